"""kafka-python: one producer a cell, its defaults otherwise, which are idempotent."""

import kafka
import kafka.admin
import kafka.errors
import plan


class KafkaPython(plan.Producer):
    def __init__(self, bootstrap, cell):
        super().__init__(bootstrap, cell)
        self.producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, **settings(cell))

    def send(self, records):
        deliver(self.producer, records)

    def close(self):
        self.producer.close(timeout=30)


class KafkaPythonTransactions(plan.TransactionalProducer):
    def __init__(self, bootstrap, cell, transactional_id, timeout_ms):
        transactional = {"transactional_id": transactional_id}
        if timeout_ms is not None:
            transactional["transaction_timeout_ms"] = timeout_ms
        self.producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, **settings(cell), **transactional)
        self.producer.init_transactions()

    def begin(self):
        self.producer.begin_transaction()

    def send(self, records):
        deliver(self.producer, records)

    def commit(self):
        self.producer.commit_transaction()

    def abort(self):
        self.producer.abort_transaction()

    def close(self):
        self.producer.close(timeout=5)


def deliver(producer, records):
    sent = [producer.send(**arguments(record)) for record in records]
    for future in sent:
        future.get(timeout=30)


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


class KafkaPythonAdmin(plan.Administrator):
    def __init__(self, bootstrap):
        super().__init__(bootstrap)
        self.client = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)

    def cluster(self):
        return self.client.describe_cluster()["cluster_id"]

    def create(self, topic, partitions, replicas, settings):
        new = kafka.admin.NewTopic(topic, partitions, replicas, topic_configs=settings)
        return code_of(self.client.create_topics, [new])

    def topics(self):
        return self.client.list_topics()

    def partitions(self, topic):
        return len(self.client.describe_topics([topic])[0]["partitions"])

    def setting(self, topic, name):
        resource = kafka.admin.ConfigResource(kafka.admin.ConfigResourceType.TOPIC, topic)
        return self.client.describe_configs([resource])["topic"][topic][name]["value"]

    def grow(self, topic, partitions):
        return code_of(self.client.create_partitions, {topic: kafka.admin.NewPartitions(partitions)})

    def delete(self, topic):
        return code_of(self.client.delete_topics, [topic])


def code_of(call, what):
    try:
        call(what)
        return 0
    except kafka.errors.BrokerResponseError as error:
        return error.errno


if __name__ == "__main__":
    plan.run(f"kafka-python {kafka.__version__}", plan.Client(KafkaPython, KafkaPythonAdmin, KafkaPythonTransactions))
