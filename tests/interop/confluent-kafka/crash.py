"""librdkafka's producers against a server that is killed again and again. README.md, a floor up, has the format."""

import json
import random
import sys
import threading
import time

import confluent_kafka

# How many records of a producer may be unanswered at once.
UNANSWERED_MAX = 200


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    binding, library = (v if isinstance(v, str) else v[0] for v in (confluent_kafka.version(), confluent_kafka.libversion()))
    say(version=f"confluent-kafka {binding} (librdkafka {library})")
    producers = [Plain(plan, n) for n in range(plan["plain"])]
    producers += [Transactional(plan, n) for n in range(plan["transactional"])]
    threads = [threading.Thread(target=producer.run) for producer in producers]
    for thread in threads:
        thread.start()
    sys.stdin.read()  # It ends when the harness has seen enough.
    for producer in producers:
        producer.is_over.set()
    for thread in threads:
        thread.join()


class Sender:
    """One producer, which numbers its records from 0."""

    def __init__(self, plan, kind, n, settings):
        self.name = f"{plan['name']}_{kind}{n}"
        self.plan = plan
        self.dice = random.Random(f"{plan['seed']} {self.name}")
        self.is_over = threading.Event()
        self.sent = 0
        self.producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": plan["bootstrap"],
                "enable.idempotence": True,
                "linger.ms": 2,
                # Connections are lost several times a second: the pauses before the next one are not to grow to
                # seconds. Every time-out keeps its default.
                "reconnect.backoff.ms": 10,
                "reconnect.backoff.max.ms": 50,
                "retry.backoff.ms": 20,
                "retry.backoff.max.ms": 100,
                # When all brokers are down librdkafka forgets them, and takes a second to find them again: longer than
                # this one lives.
                "metadata.recovery.strategy": "none",
            }
            | settings(self.name)
        )

    def run(self):
        try:
            while not self.is_over.is_set():
                self.work()
            self.end()
        except Exception as error:  # Whatever reaches the application is what the harness asks about.
            self.say(failed=f"{type(error).__name__}: {error}")

    def send(self, count, topics, transaction, on_delivery):
        for _ in range(count):
            n, self.sent = self.sent, self.sent + 1
            topic, partition = self.dice.choice(topics), self.dice.randrange(self.plan["partitions"])
            value = f"{self.name} {transaction} {n} ".ljust(100, ".")
            self.producer.produce(topic, value=value, partition=partition, on_delivery=on_delivery(n))

    def pause(self, ms_max):
        time.sleep(self.dice.uniform(0, ms_max) / 1000)
        self.producer.poll(0)

    def say(self, **line):
        say(p=self.name, at=time.time_ns() // 1000, **line)


class Plain(Sender):
    """An idempotent producer, without transactions."""

    def __init__(self, plan, n):
        super().__init__(plan, "plain", n, lambda name: {})

    def work(self):
        first, count = self.sent, self.dice.randint(1, 20)
        self.say(sent=[first, first + count - 1])
        self.send(count, self.plan["topics"], "-", self.report)
        self.pause(20)
        while len(self.producer) > UNANSWERED_MAX:
            self.producer.poll(0.01)

    def end(self):
        self.producer.flush()

    def report(self, n):
        def on_delivery(error, message):
            if error:
                self.say(failed=f"record {n}: {error}")
            else:
                self.say(acked=n, topic=message.topic(), partition=message.partition(), offset=message.offset())

        return on_delivery


class Transactional(Sender):
    """A transactional producer."""

    def __init__(self, plan, n):
        super().__init__(plan, "txn", n, lambda name: {"transactional.id": name})
        self.transactions = 0

    def run(self):
        try:
            self.producer.init_transactions()
        except Exception as error:
            return self.say(failed=f"{type(error).__name__}: {error}")
        super().run()

    def work(self):
        transaction, self.transactions = self.transactions, self.transactions + 1
        count = int(self.plan["records_max"] ** self.dice.random())
        topics = self.dice.sample(self.plan["topics"], self.dice.randint(1, len(self.plan["topics"])))
        commit = self.dice.random() * 100 >= self.plan["abort_percent"]
        self.producer.begin_transaction()
        self.say(began=transaction)
        for part in parts(count):
            self.send(part, topics, transaction, self.report)
            self.pause(10)
        self.say(ending=transaction, count=count, commit=commit)
        if commit:
            self.producer.commit_transaction()
        else:
            # Without this librdkafka may abort what it has not begun at the coordinator, and fails for good by the
            # answer, Kafka's too.
            self.producer.flush()
            self.producer.abort_transaction()
        self.say(ended=transaction)

    def end(self):
        """Nothing is open any more."""

    def report(self, n):
        def on_delivery(error, message):
            if error:
                self.say(failed=f"record {n}: {error}")

        return on_delivery


def parts(count):
    """The records of a transaction leave in up to four parts."""
    part = -(-count // 4)
    return [min(part, count - start) for start in range(0, count, part)]


lock = threading.Lock()


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
