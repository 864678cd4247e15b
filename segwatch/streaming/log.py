"""The log as services see it. Two adapters keep to it: Kafka (`kafka_log`), a SQLite file (`embedded_log`).

A record is acknowledged when `Producer.send` returns. A consumer's place moves only by `commit`.
Errors are those of `segwatch.errors`: LogUnavailable, LogRefused, LostPlace.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from segwatch.contracts.envelope import Event, Headers, encode


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in the log."""

    at: Position
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be sent. Without a time stamp the log gives it its own."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int | None = None


class Closing(Protocol):
    """Something that is closed, by `with` or by hand; closing twice does nothing."""

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Producer(Closing, Protocol):
    """Writes records and waits until every one is acknowledged by all replicas that must have it.

    May be shared by threads; a consumer or a reader belongs to one.
    """

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        """Send, wait for every acknowledgement, and say where each record lies.

        Raises:
            LogUnavailable: not all were acknowledged in time; some may lie in the log all the same.
            LogRefused: it does not take records from us (authorisation, no such topic).
            Unprocessable: a record is larger than the log takes (kind `record_too_large`).
        """
        ...


class Consumer(Closing, Protocol):
    """A member of a group: reads each partition it is given in order, from the group's last commit."""

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Up to one record of each partition it holds, or nothing; keeps the member's place in the group.

        Raises:
            LostPlace, LogUnavailable, LogRefused.
        """
        ...

    def is_member(self) -> bool:
        """Whether this member has its place in the group, be it one that waits for a partition."""
        ...

    def pause(self) -> None:
        """Hand out no records until `resume`, while `poll` goes on keeping the place."""
        ...

    def resume(self) -> None: ...

    def commit(self, after: Position) -> None:
        """The record there is done with: the group goes on behind it.

        Raises:
            LostPlace: another member owns the partition now; the record will be handed out there again.
        """
        ...

    def begin(self, at: Position) -> int:
        """Note that work on the record begins, and say how often it was begun by members that then vanished.

        Only the first record of each partition that this member is handed is noted: whatever ends a process
        is met again first by the next one. A commit forgets the note.

        Raises:
            LostPlace, LogUnavailable, LogRefused.
        """
        ...

    def hand_back(self, at: Position) -> None:
        """Forget that work on the record was begun: it was given up in order, through no fault of its own.

        Raises:
            LostPlace, LogUnavailable, LogRefused.
        """
        ...

    def lag(self) -> dict[tuple[str, int], int]:
        """Records not yet committed, by topic and partition that this member holds."""
        ...

    def lost(self) -> Mapping[str, int]:
        """Records that the log's time limit deleted before this member read them, by topic."""
        ...

    def remade(self) -> Mapping[str, int]:
        """How often a topic was found deleted and made again, and read from its beginning, by topic."""
        ...


class Reader(Closing, Protocol):
    """Reads whole topics from an offset on, outside any group: for folds, tails and tools."""

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """The next records of each topic, in each partition's order; empty where none came in time.

        Raises:
            TopicRemade: a topic was deleted and made again since this reader was made.
            LogUnavailable, LogRefused.
        """
        ...

    def drop(self, topics: Collection[str]) -> None:
        """Read these no more; the others go on where they are."""
        ...

    def identity(self, topic: str) -> str:
        """What tells the topic from another of its name: an offset of the one is no place in the other."""
        ...

    def behind(self) -> int:
        """How many places lie between what was handed out and the topics' present end."""
        ...

    def at_end(self) -> bool:
        """Whether all that lay in the topics at this moment has been handed out."""
        ...


class Membership(Closing, Protocol):
    """A place in a group whose members share topics out: each topic is one member's at a time.

    It says which are whose and nothing more: no place in a topic is kept; who has it reads it by a reader.
    """

    def held(self, topics: Collection[str]) -> frozenset[str] | None:
        """Which of the topics are this member's now; None before it has its place in the group.

        Keeps the place, so it is called every few seconds. Which topics there are may change from call to
        call. While the members share them out anew, each has what it had before.

        Raises:
            LogUnavailable, LogRefused.
        """
        ...


class Log(Closing, Protocol):
    """A connection to the log; makes producers, consumers and readers."""

    def producer(self) -> Producer: ...

    def consumer(self, *, group: str, topics: Sequence[str], member: str | None = None) -> Consumer:
        """A member of `group`. With `member`, a static one, which keeps its place over a restart."""
        ...

    def reader(self, topics: Sequence[str], *, from_offset: int = 0) -> Reader:
        """A reader of all partitions of the topics, from `from_offset` or the earliest that is left."""
        ...

    def share(self, group: str) -> Membership:
        """A place in the group of those who share topics out; left when it is closed."""
        ...

    def topics(self) -> frozenset[str]:
        """The topics that this principal can see."""
        ...

    def identities(self) -> dict[str, str]:
        """The topics that this principal can see, each with what tells it from one that bears its name after
        it was deleted and made again: an offset means something only in the topic that it is of.
        """
        ...

    def unwell(self) -> Mapping[str, int]:
        """Of the partitions that this principal can see, how many are `offline` (no leader) and how many
        `under_replicated` (fewer copies in step than there should be).
        """
        ...

    def create_topics(self, partitions: dict[str, int], *, forever: frozenset[str] = frozenset()) -> None:
        """Make what is missing; in Kubernetes the platform makes topics (segwatch.streaming.topics)."""
        ...

    def require_topics(self, topics: Sequence[str]) -> None:
        """Check at start that the topics are there.

        Raises:
            LogRefused: naming each that is missing, and how topics are made.
        """
        ...


def outgoing(topic: str, event: Event[Any], timestamp_ms: int | None = None) -> Outgoing:
    """The record that carries the event to a topic."""
    key, value, headers = encode(event)
    return Outgoing(topic, key, value, headers, timestamp_ms)
