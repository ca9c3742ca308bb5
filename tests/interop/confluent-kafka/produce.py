"""confluent-kafka for Python, which is librdkafka: one producer a cell, its defaults otherwise."""

import confluent_kafka
import plan
from confluent_kafka import admin


class Librdkafka(plan.Producer):
    def __init__(self, bootstrap, cell):
        super().__init__(bootstrap, cell)
        self.producer = confluent_kafka.Producer(configuration(bootstrap, cell))

    def send(self, records):
        deliver(self.producer, records)


class LibrdkafkaTransactions(plan.TransactionalProducer):
    def __init__(self, bootstrap, cell, transactional_id, timeout_ms):
        settings = {**configuration(bootstrap, cell), "transactional.id": transactional_id}
        if timeout_ms is not None:
            settings["transaction.timeout.ms"] = timeout_ms
        self.producer = confluent_kafka.Producer(settings)
        self.producer.init_transactions(30)

    def begin(self):
        self.producer.begin_transaction()

    def send(self, records):
        deliver(self.producer, records)

    def commit(self):
        self.producer.commit_transaction(30)

    def abort(self):
        self.producer.abort_transaction(30)


def configuration(bootstrap, cell):
    settings = {"bootstrap.servers": bootstrap}
    if cell.acks is not None:
        settings["acks"] = cell.acks
    if cell.compression is not None:
        settings["compression.type"] = cell.compression
    if cell.idempotent is not None:
        settings["enable.idempotence"] = cell.idempotent
    return settings


def deliver(producer, records):
    failures = []
    for record in records:
        produce(producer, record, failures)
    unsent = producer.flush(30)
    if failures or unsent:
        raise RuntimeError(f"{unsent} not delivered in time, {len(failures)} refused: {failures[:3]}")


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


class LibrdkafkaAdmin(plan.Administrator):
    def __init__(self, bootstrap):
        super().__init__(bootstrap)
        self.client = admin.AdminClient({"bootstrap.servers": bootstrap})

    def cluster(self):
        return self.client.describe_cluster().result(30).cluster_id

    def create(self, topic, partitions, replicas, settings):
        return code_of(self.client.create_topics([admin.NewTopic(topic, partitions, replicas, config=settings)]))

    def topics(self):
        return self.client.list_topics(timeout=30).topics

    def partitions(self, topic):
        futures = self.client.describe_topics(confluent_kafka.TopicCollection([topic]))
        return len(futures[topic].result(30).partitions)

    def setting(self, topic, name):
        resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, topic)
        return self.client.describe_configs([resource])[resource].result(30)[name].value

    def grow(self, topic, partitions):
        return code_of(self.client.create_partitions([admin.NewPartitions(topic, partitions)]))

    def delete(self, topic):
        return code_of(self.client.delete_topics([topic]))


def code_of(futures):
    (future,) = futures.values()
    try:
        future.result(30)
        return 0
    except confluent_kafka.KafkaException as error:
        return error.args[0].code()


if __name__ == "__main__":
    binding, library = confluent_kafka.version(), confluent_kafka.libversion()
    binding, library = (v if isinstance(v, str) else v[0] for v in (binding, library))
    plan.run(f"confluent-kafka {binding} (librdkafka {library})", plan.Client(Librdkafka, LibrdkafkaAdmin, LibrdkafkaTransactions))
