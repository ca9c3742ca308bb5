"""The tools of Apache Kafka, as one would type them in a shell: kafka-console-producer once a topic,
and kafka-topics and kafka-cluster to administer.

The console producer reads lines of text: headers, key and value between delimiters, with one marker for null. Java
finds the classes by the CLASSPATH that the harness sets.
"""

import re
import subprocess

import plan

JAVA = ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
COMMAND = [*JAVA, "org.apache.kafka.tools.ConsoleProducer"]
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


class Tools(plan.Administrator):
    def cluster(self):
        done = tool("ClusterTool", "cluster-id", "--bootstrap-server", self.bootstrap)
        return re.search(r"^Cluster ID: (\S+)$", done.stdout, re.MULTILINE)[1]

    def create(self, topic, partitions, replicas, settings):
        configs = [word for name, value in settings.items() for word in ("--config", f"{name}={value}")]
        counts = ["--partitions", str(partitions), "--replication-factor", str(replicas)]
        done = self.run("--create", "--topic", topic, *counts, *configs)
        if done.returncode == 0 and f"Created topic {topic}." not in done.stdout:
            raise RuntimeError(f"it created something else: {done.stdout}")
        return code_of(done)

    def topics(self):
        return self.run("--list").stdout.split()

    def partitions(self, topic):
        return int(self.describe(topic, "PartitionCount"))

    def setting(self, topic, name):
        return dict(pair.split("=") for pair in self.describe(topic, "Configs").split(","))[name]

    def grow(self, topic, partitions):
        return code_of(self.run("--alter", "--topic", topic, "--partitions", str(partitions)))

    def delete(self, topic):
        return code_of(self.run("--delete", "--topic", topic))

    def describe(self, topic, field):
        line = self.run("--describe", "--topic", topic).stdout.splitlines()[0]
        return dict(field.split(": ", 1) for field in line.split("\t"))[field]

    def run(self, *options):
        return tool("TopicCommand", "--bootstrap-server", self.bootstrap, *options)


# What the tools say, by the error code that it stands for. kafka-topics lists all topics before it deletes
# one, so it finds out by itself that there is none.
COMPLAINTS = {
    "TopicExistsException": 36,
    "InvalidPartitionsException": 37,
    "InvalidReplicationFactorException": 38,
    "does not exist as expected": 3,
}


def code_of(done):
    if done.returncode == 0:
        return 0
    said = done.stdout + done.stderr
    return next((code for complaint, code in COMPLAINTS.items() if complaint in said), said[:300])


def tool(name, *options):
    command = [*JAVA, f"org.apache.kafka.tools.{name}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def version():
    text = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    return f"kafka-console-producer {text.split()[0]}"


if __name__ == "__main__":
    plan.run(version(), plan.Client(ConsoleProducer, Tools))
