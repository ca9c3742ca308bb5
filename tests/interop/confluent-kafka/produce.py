"""confluent-kafka for Python, which is librdkafka: one producer a cell, its defaults otherwise."""

import confluent_kafka
import plan


class Librdkafka(plan.Producer):
    def __init__(self, bootstrap, cell):
        super().__init__(bootstrap, cell)
        self.producer = confluent_kafka.Producer(configuration(bootstrap, cell))

    def send(self, records):
        failures = []
        for record in records:
            produce(self.producer, record, failures)
        unsent = self.producer.flush(30)
        if failures or unsent:
            raise RuntimeError(f"{unsent} not delivered in time, {len(failures)} refused: {failures[:3]}")


def configuration(bootstrap, cell):
    settings = {"bootstrap.servers": bootstrap}
    if cell.acks is not None:
        settings["acks"] = cell.acks
    if cell.compression is not None:
        settings["compression.type"] = cell.compression
    if cell.idempotent is not None:
        settings["enable.idempotence"] = cell.idempotent
    return settings


def produce(producer, record, failures):
    # The binding takes an absent field only by leaving it out.
    chosen = {"partition": record.partition, "timestamp": record.timestamp_ms}
    producer.produce(
        record.topic,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
        on_delivery=lambda error, _: failures.append(str(error)) if error else None,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    producer.poll(0)


if __name__ == "__main__":
    binding, library = confluent_kafka.version(), confluent_kafka.libversion()
    binding, library = (v if isinstance(v, str) else v[0] for v in (binding, library))
    plan.run(f"confluent-kafka {binding} (librdkafka {library})", Librdkafka)
