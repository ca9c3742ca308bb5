"""kcat, the command-line client: one kcat for each run of records that one command line can send.

A command line fixes the topic, the partition and the headers; keys and values come on its standard
input, between delimiters that no record holds.
"""

import itertools
import re
import subprocess

import plan

KEY_DELIMITER = b"<|key|>"
RECORD_DELIMITER = b"<|record|>"


class Kcat(plan.Producer):
    def send(self, records):
        # Order counts within a partition only, so topics may go one after the other.
        by_topic = sorted(records, key=lambda record: record.topic)
        for options, records in itertools.groupby(by_topic, key=record_options):
            command = ["kcat", "-P", "-b", self.bootstrap, *cell_options(self.cell), *options]
            run_kcat(command, RECORD_DELIMITER.join(map(one_input, records)))


class KcatTransactions(plan.TransactionalProducer):
    """One kcat for each transaction, which it commits when its input ends."""

    def __init__(self, bootstrap, cell, transactional_id, timeout_ms):
        if timeout_ms is not None:
            raise plan.CannotExpress("kcat does not leave a transaction open")
        self.command = ["kcat", "-P", "-q", "-b", bootstrap, *cell_options(cell), "-X", f"transactional.id={transactional_id}"]

    def begin(self):
        self.records = []

    def send(self, records):
        self.records += records

    def commit(self):
        options = record_options(self.records[0])
        if any(record_options(record) != options for record in self.records):
            raise plan.CannotExpress("one kcat has one topic")
        run_kcat([*self.command, *options], RECORD_DELIMITER.join(map(one_input, self.records)))

    def abort(self):
        raise plan.CannotExpress("kcat commits what it was given")


def cell_options(cell):
    options = ["-K", KEY_DELIMITER, "-D", RECORD_DELIMITER]
    if cell.acks is not None:
        options += ["-X", f"acks={cell.acks}"]
    if cell.compression is not None:
        options += ["-X", f"compression.codec={cell.compression}"]
    if cell.idempotent is not None:
        options += ["-X", f"enable.idempotence={str(cell.idempotent).lower()}"]
    return options


def record_options(record):
    if record.timestamp_ms is not None:
        raise plan.CannotExpress("kcat has no option for a timestamp")
    options = ["-t", record.topic]
    if record.partition is not None:
        options += ["-p", str(record.partition)]
    for name, value in record.headers:
        # A header without "=" has a null value.
        options += ["-H", name.encode() if value is None else name.encode() + b"=" + value]
    if record.value is None:
        options += ["-Z"]  # Empty means null.
    return options


def one_input(record):
    key, value = record.key, record.value
    if record.value is None and key == b"":
        raise plan.CannotExpress("-Z, which makes an empty value null, does the same to an empty key")
    if key is None and value == b"":
        raise plan.CannotExpress("kcat skips an empty input")
    if key is None and value is not None:
        return value
    return (key or b"") + KEY_DELIMITER + (value or b"")


def run_kcat(command, records):
    done = subprocess.run(command, input=records, capture_output=True, timeout=60)
    complaint = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or complaint:
        raise RuntimeError(f"kcat ended with {done.returncode}: {complaint}")


def version():
    text = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
    kcat = re.search(r"Version (\S+)", text)
    library = re.search(r"librdkafka (\S+)", text)
    return f"kcat {kcat[1]} (librdkafka {library[1]})"


if __name__ == "__main__":
    plan.run(version(), plan.Client(Kcat, transactional=KcatTransactions))
