"""kafka-python: one producer a cell, its defaults otherwise, which are idempotent."""

import kafka
import plan


class KafkaPython(plan.Producer):
    def __init__(self, bootstrap, cell):
        super().__init__(bootstrap, cell)
        self.producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, **settings(cell))

    def send(self, records):
        sent = [self.producer.send(**arguments(record)) for record in records]
        for future in sent:
            future.get(timeout=30)

    def close(self):
        self.producer.close(timeout=30)


def settings(cell):
    settings = {}
    if cell.acks is not None:
        settings["acks"] = "all" if cell.acks == "all" else int(cell.acks)
    if cell.compression is not None:
        settings["compression_type"] = None if cell.compression == "none" else cell.compression
    if cell.idempotent is not None:
        settings["enable_idempotence"] = cell.idempotent
    return settings


def arguments(record):
    return {
        "topic": record.topic,
        "partition": record.partition,
        "key": record.key,
        "value": record.value,
        "headers": list(record.headers),
        "timestamp_ms": record.timestamp_ms,
    }


if __name__ == "__main__":
    plan.run(f"kafka-python {kafka.__version__}", KafkaPython)
