"""Members of consumer groups in Kafka (the classic protocol: kafka-python has no KIP-848)."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from kafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from kafka import KafkaConsumer as Client
from kafka.errors import FencedInstanceIdError

from segwatch.errors import LogUnavailable, LostPlace
from segwatch.streaming.closing import CLOSE_SECONDS, Closes, bounded
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import (
    COMMIT_MS,
    HEARTBEAT_MS,
    LOOK_MS,
    POLL_INTERVAL_MS,
    SESSION_MS,
)
from segwatch.streaming.kafka.places import Places, begun_noted
from segwatch.streaming.kafka.reader import record_of
from segwatch.streaming.log import Position, Record

HEARTBEAT_LOGGER = "kafka.coordinator.heartbeat"
RENEW_SECONDS = 120.0
"""After so long without any answer a client is given up: longer than any time-out of a healthy one."""
_log = logging.getLogger(__name__)


class KafkaConsumer(Closes):
    """One member; hands out one record at a time."""

    def __init__(
        self,
        options: dict[str, Any],
        group: str,
        topics: Sequence[str],
        member: str | None,
        *,
        poll_interval_ms: int = POLL_INTERVAL_MS,
        session_ms: int = SESSION_MS,
    ) -> None:
        super().__init__()
        self._name = f"{member or 'a member'} of the group {group}"
        self._topics = list(topics)
        self._options = {
            "group_id": group,
            "group_instance_id": member,
            "max_poll_records": 1,
            "enable_auto_commit": False,
            "metrics_enabled": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": min(HEARTBEAT_MS, session_ms // 3),
            "max_poll_interval_ms": poll_interval_ms,
            **options,
        }
        self._paused = False
        self._begun: set[TopicPartition] = set()
        self._places = Places()
        self._fence = _Fence()
        self._failing_since: float | None = None
        self._left = False
        self._join()
        logging.getLogger(HEARTBEAT_LOGGER).addHandler(self._fence)

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        self._refuse_if_fenced()
        self._join_where_left()
        with translated(f"polling as {self._name}"):
            if self._paused:
                self._client.pause(*self._client.assignment())
            else:
                self._places.check(self._client)
            _free_what_is_parked(self._client)
            batch = self._client.poll(timeout_ms=int(timeout_seconds * 1000))
            if self._paused:
                self._put_back(batch)
                return ()
            batch = self._places.known(self._client, batch)
        self._refuse_if_fenced()
        self._assignment.hand_out(set(batch))
        return [record_of(found) for records in batch.values() for found in records]

    def is_member(self) -> bool:
        return self._assignment.joined.is_set()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if not self._left:
            self._client.resume(*self._client.paused())

    def commit(self, after: Position) -> None:
        self._commit(after, after.offset + 1)

    def begin(self, at: Position) -> int:
        partition = TopicPartition(at.topic, at.partition)
        if partition in self._begun:
            return 0
        with self._asking(f"asking for the place of {self._name}"):
            noted = self._client.committed(partition, metadata=True, timeout_ms=COMMIT_MS)
        before = begun_noted(noted.metadata) if noted is not None and noted.offset == at.offset else 0
        self._commit(at, at.offset, before + 1)
        self._begun.add(partition)
        return before

    def hand_back(self, at: Position) -> None:
        self._commit(at, at.offset)

    def lag(self) -> dict[tuple[str, int], int]:
        with self._asking("asking for the lag"):
            held = list(self._client.assignment())
            if not held:
                return {}
            ends = self._client.end_offsets(held, timeout_ms=LOOK_MS)
            first = self._client.beginning_offsets(held, timeout_ms=LOOK_MS)
            done = {each: self._client.committed(each, timeout_ms=LOOK_MS) for each in held}
        return {(each.topic, each.partition): ends[each] - max(first[each], done[each] or 0) for each in held}

    def lost(self) -> Mapping[str, int]:
        return self._places.lost

    def remade(self) -> Mapping[str, int]:
        return self._places.remade

    def _commit(self, at: Position, offset: int, begun: int = 0) -> None:
        self._refuse_if_fenced()
        self._join_where_left()
        partition = TopicPartition(at.topic, at.partition)
        if self._places.is_other(self._client, at.topic):
            raise LostPlace(f"{at.topic} was deleted and made again: the record is of the one before")
        if not self._assignment.holds(partition):
            raise LostPlace(f"{self._name} no longer has {at.topic}/{at.partition}")
        note = self._places.note(at.topic, begun)
        with self._asking(f"committing as {self._name}"):
            try:
                self._client.commit({partition: OffsetAndMetadata(offset, note, -1)}, COMMIT_MS)
            except FencedInstanceIdError:
                self._fence.fenced.set()
                raise

    def _join(self) -> None:
        """Make the client, and ask for a place with it.

        Raises:
            LogUnavailable: there is none then; the next use tries again.
        """
        assignment = _Assignment()
        with translated(f"joining as {self._name}"):
            client = Client(**self._options)
            try:
                client.subscribe(self._topics, listener=assignment)
                # Seen in 4 of 80 joins with 3.0.12: where the topics' metadata arrives while this member, as
                # the group's leader, is assigning, it assigns nothing to anybody, and never corrects it. So
                # have the metadata first.
                for topic in self._topics:
                    client.partitions_for_topic(topic)
            except BaseException:
                bounded(partial(_let_go, client), "the consumer that did not join")
                raise
        self._client, self._assignment, self._left = client, assignment, False

    def _join_where_left(self) -> None:
        """A client was let go and the log was not there for another: nothing but this would make one."""
        if self._left:
            self._join()

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Turn what fails into our errors. A client that has been failing for long may stay dead when the
        broker is back, so another takes its place; what was in hand is then handed out again.
        """
        self._join_where_left()
        try:
            with translated(doing):
                yield
        except LogUnavailable:
            self._failing_since = self._failing_since or time.monotonic()
            if time.monotonic() - self._failing_since > RENEW_SECONDS:
                _log.warning("%s has got no answer for %g s and joins anew", self._name, RENEW_SECONDS)
                self._failing_since, self._left, self._assignment = None, True, _Assignment()
                bounded(partial(_let_go, self._client), "the consumer that got no answer")
                self._join()
            raise
        self._failing_since = None

    def _put_back(self, batch: dict[TopicPartition, list[Any]]) -> None:
        """A partition that came to us during the poll was not paused yet: its record is for later."""
        for partition, records in batch.items():
            self._client.seek(partition, records[0].offset)
            self._client.pause(partition)

    def _refuse_if_fenced(self) -> None:
        if self._fence.fenced.is_set():
            raise LostPlace(f"another process has joined as {self._name}: static member ids must be unique")

    def _close(self) -> None:
        logging.getLogger(HEARTBEAT_LOGGER).removeHandler(self._fence)
        _let_go(self._client)


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python has no types
    """Which partitions' last record may still be committed.

    The callbacks run in the client's I/O thread, so they do nothing but note what they hear. A partition
    that is in the old and in the new assignment keeps its position and is still ours.
    """

    def __init__(self) -> None:
        self.joined = threading.Event()
        self._lock = threading.Lock()
        self._in_hand: set[TopicPartition] = set()

    def hand_out(self, partitions: set[TopicPartition]) -> None:
        with self._lock:
            self._in_hand |= partitions

    def holds(self, partition: TopicPartition) -> bool:
        with self._lock:
            return partition in self._in_hand

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        with self._lock:
            self._in_hand &= set(assigned)
        self.joined.set()

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Only the new assignment says what is gone: until then a commit waits for the rebalance."""
        self.joined.clear()

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        with self._lock:
            self._in_hand -= set(lost)
        self.joined.clear()


class _Fence(logging.Handler):
    """Hears that a static member was fenced: the client's `poll` says nothing of it, only its log does."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.fenced = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "fenced" in record.getMessage():
            self.fenced.set()


def _let_go(client: Client) -> None:
    client.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 500))


def _free_what_is_parked(client: Client) -> None:
    """Let the client hand out what it put aside while partitions were paused.

    kafka-python 3.0.12 (`Fetcher.fetched_records`) parks the fetched records of a paused partition, and takes
    them up again only where its slot for the partition in hand is None. A partition that was read to its end
    leaves an empty object there, so of two that are parked the second is never taken up, and never fetched
    either: it stands still for good. Seen under faults, after a rebalance in the middle of a long study.
    """
    fetcher = client._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None
