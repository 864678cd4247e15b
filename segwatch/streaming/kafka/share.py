"""Sharing topics out in a Kafka consumer group: only the assignment is used, nothing is read or committed."""

import threading
from collections.abc import Collection
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka import KafkaConsumer as Client
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from segwatch.errors import LogRefused, LogUnavailable, in_one_line
from segwatch.streaming.closing import CLOSE_SECONDS, Closes
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import HEARTBEAT_MS, POLL_INTERVAL_MS, SHARE_SESSION_MS

POLL_MS = 2_000
"""A client that is polled for milliseconds only begins to join again and again where others come and go, and
never ends, or keeps for good what is no longer its own (seen with 3.0.12)."""


class KafkaShare(Closes):
    """A member. Topics move no more than they must (the sticky assignor): each move is a topic read anew.

    A thread of its own keeps the place, so that neither a long poll nor long work of the caller delays the
    other.
    """

    def __init__(self, options: dict[str, Any], group: str, session_ms: int = SHARE_SESSION_MS) -> None:
        super().__init__()
        self._name = f"a member of the group {group}"
        self._wanted: frozenset[str] = frozenset()
        self._assignment = _Held()
        self._failed: LogRefused | LogUnavailable | None = None
        self._stop = threading.Event()
        with translated(f"joining as {self._name}"):
            self._client = Client(
                group_id=group,
                enable_auto_commit=False,
                metrics_enabled=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                max_poll_records=1,
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=min(HEARTBEAT_MS, session_ms // 3),
                max_poll_interval_ms=POLL_INTERVAL_MS,
                partition_assignment_strategy=(StickyPartitionAssignor,),
                **options,
            )
        self._thread = threading.Thread(target=self._keep_place, name=self._name, daemon=True)
        self._thread.start()

    def held(self, topics: Collection[str]) -> frozenset[str] | None:
        if self._failed is not None:
            raise self._failed
        self._wanted = frozenset(topics)
        if not topics:
            return frozenset()  # nothing to have a place for
        found = self._assignment.topics()
        return None if found is None else found & self._wanted

    def _keep_place(self) -> None:
        """Poll until the end; what a new partition hands out before it is paused is left."""
        subscribed: frozenset[str] = frozenset()
        try:
            with translated(f"sharing topics out as {self._name}"):
                while not self._stop.is_set():
                    if subscribed != self._wanted:
                        subscribed = self._wanted
                        self._subscribe(subscribed)
                    if not subscribed:
                        self._stop.wait(POLL_MS / 10_000)
                        continue
                    self._client.pause(*self._client.assignment())
                    self._client.poll(timeout_ms=POLL_MS)
        except Exception as error:  # noqa: BLE001 - without this thread there is no place: others have our topics
            self._failed = error if isinstance(error, LogRefused) else LogUnavailable(in_one_line(error))
        finally:
            self._client.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 500))

    def _subscribe(self, topics: frozenset[str]) -> None:
        """A leader without the topics' metadata assigns nothing to anybody (see `consumer`)."""
        if not topics:
            self._client.unsubscribe()
            return
        for topic in topics:
            self._client.partitions_for_topic(topic)
        self._client.subscribe(sorted(topics), listener=self._assignment)

    def _close(self) -> None:
        self._stop.set()
        self._thread.join(POLL_MS / 1000 + CLOSE_SECONDS)


class _Held(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python has no types
    """What is this member's. The callbacks run in the client's I/O thread: they only note what they hear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: frozenset[str] | None = None

    def topics(self) -> frozenset[str] | None:
        with self._lock:
            return self._topics

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        with self._lock:
            self._topics = frozenset(partition.topic for partition in assigned)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """All of them, before each sharing out: only what is then assigned says what is gone."""

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        """Too long without a sign of life: others have it now."""
        with self._lock:
            self._topics = None
