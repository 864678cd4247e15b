"""Members of groups in the embedded log.

A member holds a lease on each (group, topic) that it reads, renewed by every poll. A dead member's lease runs
out and another takes over; a static member that starts again takes its own lease back at once, and whoever
held it under the same name before is fenced, as in Kafka (KIP-345).
"""

import time
import uuid
from collections.abc import Mapping, Sequence

from segwatch.errors import LostPlace
from segwatch.streaming.closing import Closes
from segwatch.streaming.embedded.file import LogFile
from segwatch.streaming.embedded.reader import read, wait_for
from segwatch.streaming.log import Position, Record

LEASE_SECONDS = 15.0
"""How long a member may be silent: it polls at least every second, and a machine may be busy for some.
A lease is renewed when a third of it is gone, so that not every poll writes."""
STANDBY_SECONDS = 0.1
"""How often a member without a lease asks for it: it writes, so not on every look."""


class EmbeddedConsumer(Closes):
    """One member. Hands out one record at a time, from its topics in turn."""

    def __init__(
        self,
        file: LogFile,
        group: str,
        topics: list[str],
        member: str | None,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        super().__init__()
        file.end_offsets(topics)
        self._file = file
        self._group = group
        self._topics = topics
        self._member = member
        self._holder = uuid.uuid4().hex
        self._lease_seconds = lease_seconds
        self._held: dict[str, None] = {}  # in the order in which they are looked at
        self._ever_held: set[str] = set()
        self._begun: set[str] = set()
        self._next: dict[str, int] = {}
        self._cared_at = float("-inf")
        self._paused = False

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        until = time.monotonic() + timeout_seconds
        while True:
            care_in = self._renew_leases()
            left = max(0.0, until - time.monotonic())
            record = wait_for(self._file, self._hand_out, min(left, care_in))
            if record is not None:
                return (record,)
            if left <= 0:
                return ()

    def is_member(self) -> bool:
        return self._cared_at > 0

    def holds(self) -> frozenset[str]:
        """The topics on which it has a lease."""
        return frozenset(self._held)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def commit(self, after: Position) -> None:
        self._write("next = max(next, ?), begun = 0", after.offset + 1, after.topic)

    def begin(self, at: Position) -> int:
        if at.topic in self._begun:
            return 0
        begun = self._write("begun = begun + ?", 1, at.topic)
        self._begun.add(at.topic)
        return begun - 1

    def hand_back(self, at: Position) -> None:
        self._write("begun = ?", 0, at.topic)

    def lag(self) -> dict[tuple[str, int], int]:
        ends = self._file.end_offsets(self._topics)
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT topic, next FROM places WHERE grp = ? AND holder = ?", (self._group, self._holder)
            ).fetchall()
        return {(topic, 0): ends[topic] - done for topic, done in rows if topic in ends}

    def lost(self) -> Mapping[str, int]:
        """Nothing is ever thrown away."""
        return {}

    def remade(self) -> Mapping[str, int]:
        """No topic is ever deleted."""
        return {}

    def _write(self, change: str, value: int, topic: str) -> int:
        """Change this member's place in the topic, and say how often its next record was begun."""
        with self._file.writing() as connection:
            row = connection.execute(
                f"UPDATE places SET {change} WHERE grp = ? AND topic = ? AND holder = ? RETURNING begun",  # noqa: S608 - `change` is ours
                (value, self._group, topic, self._holder),
            ).fetchone()
        if row is None:
            self._held.pop(topic, None)
            raise LostPlace(f"another member of the group {self._group} has taken over {topic}")
        return int(row[0])

    def _hand_out(self) -> Record | None:
        if self._paused:
            return None
        for topic in list(self._held):
            for record in read(self._file, topic, self._next[topic], 1):
                self._next[topic] = record.at.offset + 1
                self._held[topic] = self._held.pop(topic)  # to the end: the next poll begins with another
                return record
        return None

    def _renew_leases(self) -> float:
        """Renew what is held, ask for what is not, and say in how many seconds to do it again."""
        waiting = len(self._held) < len(self._topics)
        every = STANDBY_SECONDS if waiting else self._lease_seconds / 3
        now = time.monotonic()
        if now - self._cared_at >= every:
            for topic in self._topics:
                self._take(topic)
            self._cared_at = now
        return max(0.0, self._cared_at + every - now)

    def _take(self, topic: str) -> None:
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO places (grp, topic) VALUES (?, ?)", (self._group, topic)
            )
            done, holder, member, until = connection.execute(
                "SELECT next, holder, member, until FROM places WHERE grp = ? AND topic = ?",
                (self._group, topic),
            ).fetchone()
            same_name = self._member is not None and member == self._member
            if holder != self._holder and time.time() < until:
                if topic in self._ever_held and same_name:
                    raise LostPlace(f"another process has joined the group {self._group} as {self._member}")
                if not same_name:
                    self._held.pop(topic, None)
                    return
            connection.execute(
                "UPDATE places SET holder = ?, member = ?, until = ? WHERE grp = ? AND topic = ?",
                (self._holder, self._member, time.time() + self._lease_seconds, self._group, topic),
            )
        if topic not in self._held:
            self._next[topic] = done
        self._held[topic] = None
        self._ever_held.add(topic)

    def _close(self) -> None:
        """Leave the group: whoever waits for the topics need not wait for the leases to run out."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE places SET until = 0 WHERE grp = ? AND holder = ?", (self._group, self._holder)
            )
        self._file.close()
