"""What the harness asks of a client, and how the client answers.

A Python client imports this, describes its producer, and calls `run`. The other languages read the
same plan and print the same lines; README.md has the format.
"""

import base64
import json
import sys
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from dataclasses import dataclass
from time import sleep


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int | None  # None: the client's own partitioner decides.
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int | None  # None: the client stamps the record itself.


@dataclass(frozen=True)
class Admin:
    topic: str
    partitions: int
    more_partitions: int
    retention_ms: str


@dataclass(frozen=True)
class Cell:
    name: str
    acks: str | None  # None: whatever the client does by default; so for `compression`.
    compression: str | None
    idempotent: bool | None
    one_by_one: bool
    records: list[Record]
    admin: Admin | None
    script: list[dict] | None


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


class TransactionalProducer(ABC):
    """A producer with a transactional id. What goes wrong is raised, and nothing is tried again that the client does
    not try by itself."""

    @abstractmethod
    def __init__(self, bootstrap, cell, transactional_id, timeout_ms):
        """Opens it, which ends the time of every other one with the same id; a timeout of None is the default."""

    @abstractmethod
    def begin(self): ...

    @abstractmethod
    def send(self, records):
        """Sends records, and returns once all have been delivered."""

    @abstractmethod
    def commit(self): ...

    @abstractmethod
    def abort(self): ...

    def close(self):
        """A client that holds connections lets go of them."""


class Administrator(ABC):
    """An admin client. What changes something gives Kafka's error code, which is 0 where it was done."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    @abstractmethod
    def cluster(self): ...

    @abstractmethod
    def create(self, topic, partitions, replicas, settings): ...

    @abstractmethod
    def topics(self): ...

    @abstractmethod
    def partitions(self, topic): ...

    @abstractmethod
    def setting(self, topic, name): ...

    @abstractmethod
    def grow(self, topic, partitions): ...

    @abstractmethod
    def delete(self, topic): ...


@dataclass(frozen=True)
class Client:
    """What a client has for each kind of cell."""

    producer: type[Producer]
    administrator: type[Administrator] | None = None
    transactional: type[TransactionalProducer] | None = None


def run(version, client):
    """Sends every cell of the plan named on the command line, and answers for each."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    say(version=version)
    for cell in plan["cells"]:
        answer(plan["bootstrap"], read_cell(cell), client)


def answer(bootstrap, cell, client):
    try:
        if cell.script is not None:
            failed = follow(bootstrap, cell, client.transactional)
            return say(cell=cell.name, result="ok", detail="", refused={}, failed=failed)
        if cell.admin is not None:
            seen = administer(bootstrap, cell.admin, client.administrator)
            return say(cell=cell.name, result="ok", detail="", refused={}, seen=seen)
        with closing(client.producer(bootstrap, cell)) as producer:
            refused = send(producer, cell)
        say(cell=cell.name, result="ok", detail="", refused=refused)
    except Exception as error:  # Whatever went wrong is the answer for this cell, not for the next.
        say(cell=cell.name, result="error", detail=in_words(error), refused={})


def follow(bootstrap, cell, transactional_class):
    """Takes every step of the script, also after one that failed, and gives the failures by the step's place."""
    if transactional_class is None:
        raise CannotExpress("there are no transactions")
    producers, failed = {}, {}
    for place, step in enumerate(cell.script):
        try:
            take(step, producers, lambda *about: transactional_class(bootstrap, cell, *about), cell.records)
        except Exception as error:
            failed[place] = in_words(error)
    for producer in producers.values():
        with suppress(Exception):  # One that was fenced cannot say goodbye.
            producer.close()
    return failed


def take(step, producers, open_producer, records):
    match step:
        case {"step": "open", "producer": name, "id": transactional_id, "timeout_ms": timeout_ms}:
            producers[name] = open_producer(transactional_id, timeout_ms)
        case {"step": "send", "producer": name, "from": start, "to": end}:
            producers[name].send(records[start:end])
        case {"step": "wait", "ms": ms}:
            sleep(ms / 1000)
        case {"step": "begin" | "commit" | "abort" as what, "producer": name}:
            getattr(producers[name], what)()
        case _:
            raise CannotExpress(f"there is no such step: {step}")


def administer(bootstrap, wanted, administrator_class):
    """Does what there is to administer, and gives what it saw."""
    if administrator_class is None:
        raise CannotExpress("there are no admin calls")
    admin, topic, settings = administrator_class(bootstrap), wanted.topic, {"retention.ms": wanted.retention_ms}
    demand(admin.create(topic, wanted.partitions, 1, settings))
    seen = {
        "cluster": admin.cluster(),
        "created_again": admin.create(topic, wanted.partitions, 1, settings),
        "two_replicas": admin.create(topic + "-copied", 1, 2, {}),
        "listed": topic in admin.topics(),
        "partitions": admin.partitions(topic),
        "retention_ms": admin.setting(topic, "retention.ms"),
        "fewer_partitions": admin.grow(topic, 1),
    }
    demand(admin.grow(topic, wanted.more_partitions))
    seen["more_partitions"] = admin.partitions(topic)
    demand(admin.delete(topic))
    seen["deleted_again"] = admin.delete(topic)
    seen["listed_after_deletion"] = topic in admin.topics()
    return seen


def demand(code):
    if code != 0:
        raise RuntimeError(f"error {code}")


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
    admin = cell["admin"] and Admin(**cell["admin"])
    return Cell(**{**cell, "records": records, "admin": admin})


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
