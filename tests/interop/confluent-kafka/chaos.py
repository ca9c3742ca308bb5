"""librdkafka's idempotent producer through a network that loses replies. README.md, a floor up, has the format."""

import json
import sys

import confluent_kafka


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    binding, library = (v if isinstance(v, str) else v[0] for v in (confluent_kafka.version(), confluent_kafka.libversion()))
    say(version=f"confluent-kafka {binding} (librdkafka {library})")
    producer = confluent_kafka.Producer(settings(plan))
    for n in range(plan["count"]):
        partition = n // plan["batch_records"] % plan["partitions"]
        producer.produce(plan["topic"], value=f"{n:0100}", partition=partition, on_delivery=report(n))
        producer.poll(0)
    producer.flush()


def settings(plan):
    return {
        "bootstrap.servers": plan["bootstrap"],
        "enable.idempotence": True,
        "batch.num.messages": plan["batch_records"],
        "linger.ms": 5,
        "socket.timeout.ms": plan["request_timeout_ms"],
        "message.timeout.ms": plan["delivery_timeout_ms"],
        # Connections are lost all the time: the pauses before the next one are not to grow to seconds.
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 100,
        "retry.backoff.ms": 20,
    }


def report(n):
    def on_delivery(error, message):
        if error:
            say(n=n, error=str(error))
        else:
            say(n=n, offset=message.offset())

    return on_delivery


def say(**line):
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
