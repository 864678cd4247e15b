"""A log in memory, for tests that run thousands of histories: the port's promises, and faults on demand."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Self

from segwatch.errors import LogRefused, LogUnavailable, TopicRemade
from segwatch.streaming.log import Outgoing, Position, Record


class _Closes:
    def close(self) -> None:
        """Nothing to let go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class MemoryLog(_Closes):
    """Topics of one partition each, made when they are first written.

    Attributes:
        records: every topic's records.
        fault: asked before and after each send and before each read (`"before"`, `"after"`, `"read"`); True
            makes it fail there. A send that fails before leaves nothing in the log, one that fails after all.
        on_send: called with each batch before it is appended: another writer may slip in.
    """

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.first: dict[str, int] = defaultdict(int)
        self.sharing: list[MemoryShare] = []
        self._made: dict[str, int] = defaultdict(int)
        self.fault: Callable[[str], bool] = lambda _moment: False
        self.on_send: Callable[[Sequence[Outgoing]], None] = lambda _records: None

    def append(self, record: Outgoing) -> Position:
        """Lay a record down."""
        lying = self.records[record.topic]
        at = Position(record.topic, 0, len(lying))
        lying.append(Record(at, record.key, record.value, record.headers, record.timestamp_ms or 0))
        return at

    def forget_before(self, topic: str, offset: int) -> None:
        """What a time limit does: the topic's first records are gone, offsets stay."""
        self.first[topic] = offset

    def producer(self) -> "MemoryProducer":
        return MemoryProducer(self)

    def reader(self, topics: Sequence[str], *, from_offset: int = 0) -> "MemoryReader":
        return MemoryReader(self, topics, from_offset)

    def share(self, group: str) -> "MemoryShare":
        del group
        self.sharing.append(MemoryShare(self))
        return self.sharing[-1]

    def topics(self) -> frozenset[str]:
        return frozenset(self.records)

    def require_topics(self, topics: Sequence[str]) -> None:
        if missing := set(topics) - self.topics():
            raise LogRefused(f"no topic {', '.join(sorted(missing))}")

    def identities(self) -> dict[str, str]:
        return {topic: self.identity(topic) for topic in self.records}

    def identity(self, topic: str) -> str:
        return f"{topic} {self._made[topic]}"

    def unwell(self) -> dict[str, int]:
        return {"offline": 0, "under_replicated": 0}

    def remove(self, topic: str) -> None:
        """Delete the topic; the next record of that name makes another."""
        self.records.pop(topic, None)
        self._made[topic] += 1


class MemoryProducer(_Closes):
    """Sends, or fails as the log's `fault` says."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        if self._log.fault("before"):
            raise LogUnavailable("away")
        self._log.on_send(records)
        places = [self._log.append(record) for record in records]
        if self._log.fault("after"):
            raise LogUnavailable("not acknowledged, though it lies there")
        return places


class MemoryReader(_Closes):
    """Hands out at most three records of a topic a poll, so that batches end anywhere."""

    MOST = 3

    def __init__(self, log: MemoryLog, topics: Sequence[str], from_offset: int) -> None:
        self._log = log
        self._next = {topic: max(from_offset, log.first[topic]) for topic in topics}
        self._identities = {topic: log.identity(topic) for topic in topics}

    def poll(self, timeout_seconds: float) -> list[Record]:
        del timeout_seconds
        if self._log.fault("read"):
            raise LogUnavailable("away")
        if any(self._log.identity(topic) != before for topic, before in self._identities.items()):
            raise TopicRemade("made again")
        found = []
        for topic, start in self._next.items():
            batch = self._log.records[topic][start : start + self.MOST]
            self._next[topic] = start + len(batch)
            found += batch
        return found

    def drop(self, topics: Collection[str]) -> None:
        for topic in topics:
            del self._next[topic], self._identities[topic]

    def identity(self, topic: str) -> str:
        return self._identities[topic]

    def behind(self) -> int:
        return sum(max(0, len(self._log.records[topic]) - start) for topic, start in self._next.items())

    def at_end(self) -> bool:
        return self.behind() == 0


class MemoryShare(_Closes):
    """The members have the topics in turn; who comes or goes is seen at the next look."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def held(self, topics: Collection[str]) -> frozenset[str]:
        if self._log.fault("read"):
            raise LogUnavailable("away")
        members = self._log.sharing
        return frozenset(sorted(topics)[members.index(self) :: len(members)])

    def close(self) -> None:
        if self in self._log.sharing:
            self._log.sharing.remove(self)
