"""The console producer of Apache Kafka: one run of it a topic, as one would type it in a shell.

It reads lines of text: headers, key and value between delimiters, with one marker for null. Java
finds the class by the CLASSPATH that the harness sets.
"""

import subprocess

import plan

COMMAND = [
    "java",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "org.apache.kafka.tools.ConsoleProducer",
]
NULL = "<null>"
READER = {
    "parse.headers": "true",
    "headers.delimiter": "~~headers~~",
    "headers.separator": "~~header~~",
    "headers.key.separator": "~~is~~",
    "parse.key": "true",
    "key.separator": "~~key~~",
    "null.marker": NULL,
}


class ConsoleProducer(plan.Producer):
    def send(self, records):
        topics = dict.fromkeys(record.topic for record in records)
        for topic in topics:
            lines = "".join(one_line(record) for record in records if record.topic == topic)
            run_console_producer([*options(self.bootstrap, self.cell), "--topic", topic], lines)


def options(bootstrap, cell):
    options = ["--bootstrap-server", bootstrap]
    for name, value in READER.items():
        options += ["--reader-property", f"{name}={value}"]
    if cell.acks is not None:
        options += ["--request-required-acks", cell.acks]
    if cell.compression is not None:
        options += ["--compression-codec", cell.compression]
    if cell.idempotent is not None:
        options += ["--command-property", f"enable.idempotence={str(cell.idempotent).lower()}"]
    return options


def one_line(record):
    if record.partition is not None:
        raise plan.CannotExpress("no option for a partition")
    if record.timestamp_ms is not None:
        raise plan.CannotExpress("no option for a timestamp")
    headers = READER["headers.separator"].join(
        name + READER["headers.key.separator"] + text(value) for name, value in record.headers
    )
    # Without headers the whole field is the marker for null.
    headers = headers or NULL
    return headers + READER["headers.delimiter"] + text(record.key) + READER["key.separator"] + text(record.value) + "\n"


def text(value):
    decoded = NULL if value is None else value.decode("utf-8")
    if "\n" in decoded or "\r" in decoded:
        raise plan.CannotExpress("a record is one line")
    return decoded


def run_console_producer(options, lines):
    done = subprocess.run([*COMMAND, *options], input=lines, capture_output=True, text=True, timeout=60)
    complaint = done.stderr.strip()
    if done.returncode != 0 or complaint:
        raise RuntimeError(f"it ended with {done.returncode}: {complaint[:300]}")


def version():
    text = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    return f"kafka-console-producer {text.split()[0]}"


if __name__ == "__main__":
    plan.run(version(), ConsoleProducer)
