"""The log as a SQLite file: same port, same guarantees, for one machine without a broker.

Every topic has one partition, so order holds over the whole topic. A (group, topic) is worked on by one
member at a time, which holds a lease on it: see `embedded_consumer`. Nothing is ever thrown away.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from segwatch.errors import LogRefused, Unprocessable
from segwatch.streaming.closing import Closes
from segwatch.streaming.embedded.consumer import EmbeddedConsumer
from segwatch.streaming.embedded.file import LogFile
from segwatch.streaming.embedded.reader import EmbeddedReader
from segwatch.streaming.embedded.share import EmbeddedShare
from segwatch.streaming.log import Outgoing, Position

MOST_BYTES = 1_048_576
"""The largest record, as in Kafka by default: what one log takes, the other takes."""


class EmbeddedLog(Closes):
    """The log in the file at `path`, which is made where it is missing; its folder must exist.

    Raises:
        LogUnavailable: the file cannot be opened, or is no SQLite file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = LogFile(path)
        self._made = ExitStack()

    def producer(self) -> "EmbeddedProducer":
        return self._made.enter_context(EmbeddedProducer(LogFile(self._path)))

    def consumer(self, *, group: str, topics: Sequence[str], member: str | None = None) -> EmbeddedConsumer:
        return self._made.enter_context(EmbeddedConsumer(LogFile(self._path), group, list(topics), member))

    def reader(self, topics: Sequence[str], *, from_offset: int = 0) -> EmbeddedReader:
        return self._made.enter_context(EmbeddedReader(LogFile(self._path), list(topics), from_offset))

    def share(self, group: str) -> EmbeddedShare:
        return self._made.enter_context(EmbeddedShare(self._path, group))

    def topics(self) -> frozenset[str]:
        return self._file.topics()

    def identities(self) -> dict[str, str]:
        """A topic of the file is never deleted, so its name is enough."""
        return {name: name for name in self._file.topics()}

    def unwell(self) -> dict[str, int]:
        """A file is there, or nothing is."""
        return {"offline": 0, "under_replicated": 0}

    def create_topics(self, partitions: dict[str, int], *, forever: frozenset[str] = frozenset()) -> None:
        """Make what is missing. Every topic gets one partition, and keeps its records for ever."""
        del forever
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO topics (name) VALUES (?)", [(topic,) for topic in partitions]
            )

    def require_topics(self, topics: Sequence[str]) -> None:
        self._file.end_offsets(list(topics))

    def _close(self) -> None:
        self._made.close()
        self._file.close()


class EmbeddedProducer(Closes):
    """Writes records: all of one `send`, or none. May be shared by threads."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self._file = file

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        now = time.time_ns() // 1_000_000
        with self._file.writing() as connection:
            return [_append(connection, record, now) for record in records]

    def _close(self) -> None:
        self._file.close()


def _append(connection: sqlite3.Connection, record: Outgoing, now_ms: int) -> Position:
    size = len(record.key or b"") + len(record.value or b"") + sum(len(value) for _, value in record.headers)
    if size > MOST_BYTES:
        raise Unprocessable(f"a record of {size} bytes is larger than the log takes", kind="record_too_large")
    row = connection.execute(
        "UPDATE topics SET next = next + 1 WHERE name = ? RETURNING next - 1", (record.topic,)
    ).fetchone()
    if row is None:
        raise LogRefused(f"there is no topic {record.topic}: `segwatch topics create` makes it")
    headers = json.dumps([[name, value.hex()] for name, value in record.headers])
    stamp = now_ms if record.timestamp_ms is None else record.timestamp_ms
    connection.execute(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
        (record.topic, row[0], record.key, record.value, headers, stamp),
    )
    return Position(record.topic, 0, int(row[0]))
