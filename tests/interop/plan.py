"""What the harness asks of a client, and how the client answers.

A Python client imports this, describes its producer, and calls `run`. The other languages read the
same plan and print the same lines; README.md has the format.
"""

import base64
import json
import sys
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int | None  # None: the client's own partitioner decides.
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int | None  # None: the client stamps the record itself.


@dataclass(frozen=True)
class Cell:
    name: str
    acks: str | None  # None: whatever the client does by default; so for `compression`.
    compression: str | None
    idempotent: bool | None
    one_by_one: bool
    records: list[Record]


class CannotExpress(Exception):
    """This client has no way to send what the cell asks for."""


class Producer(ABC):
    """A producer of the client, for one cell."""

    def __init__(self, bootstrap, cell):
        self.bootstrap = bootstrap
        self.cell = cell

    @abstractmethod
    def send(self, records):
        """Sends records, and returns once all have been delivered; anything else is raised."""

    def close(self):
        """A client that holds connections lets go of them."""


def run(version, producer_class):
    """Sends every cell of the plan named on the command line, and answers for each."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    say(version=version)
    for cell in plan["cells"]:
        answer(plan["bootstrap"], read_cell(cell), producer_class)


def answer(bootstrap, cell, producer_class):
    try:
        with closing(producer_class(bootstrap, cell)) as producer:
            refused = send(producer, cell)
        say(cell=cell.name, result="ok", detail="", refused=refused)
    except Exception as error:  # Whatever went wrong is the answer for this cell, not for the next.
        say(cell=cell.name, result="error", detail=in_words(error), refused={})


def send(producer, cell):
    """Gives what became of the records that were refused, by their place in the plan."""
    refused = {}
    if not cell.one_by_one:
        producer.send(cell.records)
        return refused
    for place, record in enumerate(cell.records):
        try:
            producer.send([record])
        except Exception as error:
            refused[place] = in_words(error)
    return refused


def in_words(error):
    return f"{type(error).__name__}: {error}"


def say(**line):
    print(json.dumps(line), flush=True)


def read_cell(cell):
    records = [read_record(record) for record in cell["records"]]
    return Cell(**{**cell, "records": records})


def read_record(record):
    return Record(
        topic=record["topic"],
        partition=record["partition"],
        key=read_bytes(record["key"]),
        value=read_bytes(record["value"]),
        headers=tuple((name, read_bytes(value)) for name, value in record["headers"]),
        timestamp_ms=record["timestamp_ms"],
    )


def read_bytes(text):
    return None if text is None else base64.b64decode(text)
