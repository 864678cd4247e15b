"""Reading whole topics of the embedded log, outside any group; and rows as records."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from segwatch.streaming.closing import Closes
from segwatch.streaming.embedded.file import POLL_SECONDS, LogFile
from segwatch.streaming.log import Position, Record

MOST_AT_ONCE = 500
"""Records of a topic that one poll hands out at most: as many as Kafka's default."""

Found = TypeVar("Found")


class EmbeddedReader(Closes):
    """Reads topics from `from_offset` on; from the first record where that lies behind the end."""

    def __init__(self, file: LogFile, topics: list[str], from_offset: int) -> None:
        super().__init__()
        self._file = file
        self._next = {
            topic: from_offset if from_offset <= end else 0 for topic, end in file.end_offsets(topics).items()
        }

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        return wait_for(self._file, self._read, timeout_seconds) or ()

    def identity(self, topic: str) -> str:
        """A topic of the file is never deleted, so its name is enough."""
        return topic

    def drop(self, topics: Collection[str]) -> None:
        self._next = {topic: place for topic, place in self._next.items() if topic not in topics}

    def behind(self) -> int:
        ends = self._file.end_offsets(list(self._next))
        return sum(max(0, end - self._next[topic]) for topic, end in ends.items())

    def at_end(self) -> bool:
        return self.behind() == 0

    def _read(self) -> list[Record]:
        found = [
            record
            for topic, first in self._next.items()
            for record in read(self._file, topic, first, MOST_AT_ONCE)
        ]
        for record in found:
            self._next[record.at.topic] = record.at.offset + 1
        return found

    def _close(self) -> None:
        self._file.close()


def read(file: LogFile, topic: str, first: int, most: int) -> list[Record]:
    """At most `most` records of the topic, from the offset `first` on."""
    with file.reading() as connection:
        rows = connection.execute(
            "SELECT offset, key, value, headers, timestamp_ms FROM records"
            " WHERE topic = ? AND offset >= ? ORDER BY offset LIMIT ?",
            (topic, first, most),
        ).fetchall()
    return [_record(topic, row) for row in rows]


def wait_for(file: LogFile, look: Callable[[], Found], timeout_seconds: float) -> Found | None:
    """What `look` finds, at once or as soon as the file changes; None where nothing comes in time."""
    until = time.monotonic() + timeout_seconds
    while True:
        version = file.version()
        found = look()
        if found:
            return found
        while file.version() == version:
            left = until - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(POLL_SECONDS, left))


def _record(topic: str, row: tuple[Any, ...]) -> Record:
    offset, key, value, headers, timestamp_ms = row
    return Record(
        at=Position(topic, 0, offset),
        key=key,
        value=value,
        headers=tuple((name, bytes.fromhex(text)) for name, text in json.loads(headers)),
        timestamp_ms=timestamp_ms,
    )
