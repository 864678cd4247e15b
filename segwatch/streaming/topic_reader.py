"""Reads one topic of one partition from its start or a place on, and goes on where it was after a fault."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from segwatch.errors import LogUnavailable, TopicRemade, Transient
from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Position, Reader, Record

POLL_SECONDS = 1.0
MOST_EMPTY_POLLS = 30
"""An acknowledged record is there to be read at once; half a minute without it means that the log is away."""


class TopicReader:
    """A topic's records in the log's order. Each is handed out once, whatever happens to the connection.

    Attributes:
        next_offset: the offset behind the last record that was handed out.
    """

    def __init__(
        self, log: Log, topic: str, alive: Callable[[], None] = lambda: None, first: int = 0
    ) -> None:
        self.next_offset = first
        self._log = log
        self._topic = topic
        self._alive = alive
        self._identity: str | None = None
        self._reader: Reader | None = None

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """The next records; empty where none came in time.

        Raises:
            LogUnavailable, LogRefused: try again later; nothing is skipped.
            TopicRemade: the topic is another than the one that was read so far: begin anew with it.
        """
        self._alive()
        try:
            records = self._opened().poll(timeout_seconds)
        except Transient:
            self.close()
            raise
        if records:
            self.next_offset = records[-1].at.offset + 1
        return records

    def behind(self) -> int:
        """How many places lie between what was handed out and the topic's present end."""
        return self._opened().behind()

    def at_end(self) -> bool:
        """Whether all that lies in the topic at this moment was handed out."""
        return self._opened().at_end()

    def to_end(self) -> Iterator[Record]:
        """The records up to the topic's present end."""
        while not self.at_end():
            yield from self.poll(POLL_SECONDS)

    def through(self, position: Position) -> Iterator[Record]:
        """The records up to and with the one at `position`, which was acknowledged.

        Raises:
            LogUnavailable: it does not show.
        """
        for _ in range(MOST_EMPTY_POLLS):
            if self.next_offset > position.offset:
                return
            yield from self.poll(POLL_SECONDS)
        if self.next_offset <= position.offset:
            raise LogUnavailable(f"{self._topic} does not show the record at offset {position.offset} yet")

    def close(self) -> None:
        """Let the connection go; the next poll makes another."""
        if self._reader is not None:
            bounded(self._reader.close, f"the reader of {self._topic}")
            self._reader = None

    def _opened(self) -> Reader:
        if self._reader is None:
            self._reader = self._log.reader([self._topic], from_offset=self.next_offset)
            now = self._reader.identity(self._topic)
            self._identity = self._identity or now
            if now != self._identity:
                self.close()
                raise TopicRemade(f"{self._topic} was deleted and made again: it is to be read anew")
        return self._reader


def whole_topic(log: Log, topic: str) -> Iterator[Record]:
    """The records that lie in a topic at this moment, by a reader that is closed behind them.

    Raises:
        LogUnavailable, LogRefused: the topic cannot be read.
    """
    with closing(TopicReader(log, topic)) as reader:
        yield from reader.to_end()
