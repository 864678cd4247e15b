"""Whether a group's places still mean something: an offset without its topic's identity is no place.

A topic that was deleted and made again bears the old one's name and counts from 0. Whoever goes on at the old
offset passes over what lies below, without a word (seen with 3.0.12 and Kafka 4.3). So the topic's id
(KIP-516) lies beside each committed offset, as the commit's metadata, and is compared with that of the topic
that is there now. It is then read from its beginning; ids make copies harmless.

What a time limit deleted before it was read is gone; it is counted, and said.
"""

import logging
import re
from collections import Counter
from typing import Any

from kafka import KafkaConsumer as Client
from kafka import TopicPartition

from segwatch.streaming.kafka.options import COMMIT_MS, LOOK_MS

_NOTE = re.compile(r"(?:begun (\d+))? ?(?:topic (\S+))?")
_log = logging.getLogger(__name__)
Batch = dict[TopicPartition, list[Any]]


class Places:
    """One member's.

    Attributes:
        lost: records that were deleted before they were read, by topic.
        remade: how often a topic was found to be another than before, by topic.
    """

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.remade: Counter[str] = Counter()
        self._topics: dict[str, str] = {}
        self._next: dict[TopicPartition, int | None] = {}

    def check(self, client: Client) -> None:
        """Look at each partition that came to us, and at whether a topic is still the one that it was.

        Raises:
            KafkaError: call again later; nothing was handed out yet.
        """
        assigned = client.assignment()
        self._next = {partition: after for partition, after in self._next.items() if partition in assigned}
        here = {partition.topic: identity_of(client, partition.topic) for partition in assigned}
        remade = {topic for topic, now in here.items() if now and self._topics.get(topic, now) != now}
        for partition in assigned:
            if partition.topic in remade:
                self._begin_again(client, partition)
            elif partition not in self._next and here[partition.topic]:
                remade |= self._first_look(client, partition, here[partition.topic])
        self._topics |= {topic: now for topic, now in here.items() if now}
        for topic in remade:
            self.remade[topic] += 1
            _log.error("%s was deleted and made again: it is read from its beginning", topic)

    def known(self, client: Client, batch: Batch) -> Batch:
        """What may be handed out: a partition that came during the poll is looked at first."""
        for partition in [each for each in batch if each not in self._next]:
            client.seek(partition, batch.pop(partition)[0].offset)
        for partition, records in batch.items():
            self._count_lost(partition, records[0].offset)
            self._next[partition] = records[-1].offset + 1
        return batch

    def is_other(self, client: Client, topic: str) -> bool:
        """Whether the topic is no longer the one that our records are of."""
        now = identity_of(client, topic)
        return now is not None and self._topics.get(topic, now) != now

    def note(self, topic: str, begun: int = 0) -> str:
        """What lies beside a committed offset: how often work on its record was begun, and of which topic."""
        identity = self._topics.get(topic)
        words = (f"begun {begun}" if begun else "", f"topic {identity}" if identity else "")
        return " ".join(filter(None, words))

    def _first_look(self, client: Client, partition: TopicPartition, here: str | None) -> set[str]:
        noted = client.committed(partition, metadata=True, timeout_ms=COMMIT_MS)
        if noted is None:
            self._next[partition] = None
            return set()
        of = topic_noted(noted.metadata)
        if of is not None and of != here:
            self._begin_again(client, partition)
            return {partition.topic}
        self._next[partition] = noted.offset
        self._count_lost(partition, client.beginning_offsets([partition], timeout_ms=LOOK_MS)[partition])
        return set()

    def _begin_again(self, client: Client, partition: TopicPartition) -> None:
        client.seek_to_beginning(partition)
        self._next[partition] = None

    def _count_lost(self, partition: TopicPartition, first: int) -> None:
        expected = self._next[partition]
        if expected is not None and first > expected:
            self.lost[partition.topic] += first - expected
            self._next[partition] = first
            _log.error(
                "%d records of %s/%d were deleted before they were read: offsets %d to %d",
                first - expected,
                partition.topic,
                partition.partition,
                expected,
                first - 1,
            )


def identity_of(client: Client, topic: str) -> str | None:
    """The id of the topic that bears the name now, as the client last heard; None where it does not know."""
    found = client._cluster.topic_id(topic)  # there is no public way to it
    return None if found is None else str(found)


def topic_noted(note: str) -> str | None:
    """The topic's id in a commit's metadata; None in one that was written without."""
    found = _NOTE.fullmatch(note)
    return found[2] if found else None


def begun_noted(note: str) -> int:
    """How often work on the record was begun, in a commit's metadata.

    Examples:
        >>> begun_noted("begun 2 topic 5f1e"), begun_noted("begun 1"), begun_noted("topic 5f1e")
        (2, 1, 0)
    """
    found = _NOTE.fullmatch(note)
    return int(found[1] or 0) if found else 0
