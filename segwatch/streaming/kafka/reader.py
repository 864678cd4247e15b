"""Reading whole Kafka topics, outside any group."""

from collections.abc import Collection, Sequence
from typing import Any

from kafka import KafkaConsumer as Client
from kafka import TopicPartition

from segwatch.errors import TopicRemade
from segwatch.streaming.closing import Closes
from segwatch.streaming.kafka.errors import no_topics, translated
from segwatch.streaming.kafka.options import LOOK_MS
from segwatch.streaming.kafka.places import identity_of
from segwatch.streaming.log import Position, Record


class KafkaReader(Closes):
    """Reads all partitions that the topics have now, from `from_offset` or the earliest that is left."""

    def __init__(self, options: dict[str, Any], topics: Sequence[str], from_offset: int) -> None:
        super().__init__()
        self._next: dict[TopicPartition, int] = {}
        with translated("starting to read"):
            self._client = Client(
                group_id=None,
                enable_auto_commit=False,
                metrics_enabled=False,
                allow_auto_create_topics=False,
                # A topic that was made anew has fewer records than before: begin with its first.
                auto_offset_reset="earliest",
                **options,
            )
        try:
            self._partitions = self._find(topics)
            self._identities = {topic: identity_of(self._client, topic) or "" for topic in topics}
            self._seek(from_offset)
        except BaseException:
            self.close()
            raise

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        self._refuse_if_remade()
        with translated("reading"):
            batch = self._client.poll(timeout_ms=int(timeout_seconds * 1000))
        self._refuse_if_remade()
        self._next.update(
            (partition, records[-1].offset + 1) for partition, records in batch.items() if records
        )
        return [record_of(found) for records in batch.values() for found in records]

    def drop(self, topics: Collection[str]) -> None:
        self._partitions = [each for each in self._partitions if each.topic not in topics]
        self._identities = {topic: which for topic, which in self._identities.items() if topic not in topics}
        self._client.assign(self._partitions)

    def behind(self) -> int:
        self._refuse_if_remade()
        with translated("asking for the end"):
            ends = self._client.end_offsets(self._partitions, timeout_ms=LOOK_MS)
            return sum(
                max(0, end - (self._client.position(partition, timeout_ms=LOOK_MS) or 0))
                for partition, end in ends.items()
            )

    def at_end(self) -> bool:
        """The client's own `position` looks at every partition at each call, so of many only what lies behind
        what was handed out is asked for: a place may be further on, where a topic was compacted.
        """
        self._refuse_if_remade()
        with translated("asking for the end"):
            ends = self._client.end_offsets(self._partitions, timeout_ms=LOOK_MS)
            return all(
                end <= self._next[partition]
                or end <= (self._client.position(partition, timeout_ms=LOOK_MS) or 0)
                for partition, end in ends.items()
            )

    def identity(self, topic: str) -> str:
        return self._identities[topic]

    def _refuse_if_remade(self) -> None:
        for topic, before in self._identities.items():
            if identity_of(self._client, topic) not in (None, before):
                raise TopicRemade(f"{topic} was deleted and made again: it is to be read from its beginning")

    def _find(self, topics: Sequence[str]) -> list[TopicPartition]:
        with translated("looking for topics"):
            found = {topic: self._client.partitions_for_topic(topic) for topic in topics}
        missing = [topic for topic, numbers in found.items() if not numbers]
        if missing:
            raise no_topics(missing)
        return [TopicPartition(topic, number) for topic, numbers in found.items() for number in numbers]

    def _seek(self, from_offset: int) -> None:
        with translated("looking for the first records"):
            self._client.assign(self._partitions)
            first = self._client.beginning_offsets(self._partitions, timeout_ms=LOOK_MS)
            ends = self._client.end_offsets(self._partitions, timeout_ms=LOOK_MS)
            for partition in self._partitions:
                wanted = from_offset if from_offset <= ends[partition] else 0
                self._next[partition] = max(wanted, first[partition])
                self._client.seek(partition, self._next[partition])

    def _close(self) -> None:
        self._client.close(autocommit=False)


def record_of(found: Any) -> Record:  # noqa: ANN401 - kafka-python has no types
    """kafka-python's ConsumerRecord as ours."""
    return Record(
        at=Position(found.topic, found.partition, found.offset),
        key=found.key,
        value=found.value,
        headers=tuple((name, value or b"") for name, value in found.headers),
        timestamp_ms=found.timestamp,
    )
