"""Strimzi's KafkaTopic of each topic: partitions, how long it is kept, how many copies must have a record."""

from collections.abc import Iterable
from typing import Any

from deploy.manifests.access import CONNECT_TOPICS
from segwatch.contracts.topics import (
    DECISIONS,
    FOREVER,
    ONE_PARTITION,
    SITE_TOPICS,
    WITH_DEAD_LETTERS,
    at_the_centre,
    dead_letters,
    time_settings,
)

Manifest = dict[str, Any]

DAY_MS = 24 * 60 * 60 * 1000
STUDY_DAYS = 90
"""A stage may be away for a quarter of a year before a study is lost to it."""
DEAD_LETTER_DAYS = 365
"""What was put aside waits a year for somebody to look at it."""
UNLIMITED = -1
PARTITIONS = 3
"""How many members a stage can have at most, where order between studies does not matter."""


def site_topics() -> list[Manifest]:
    """All topics of a hospital, its dead-letter topics and the bridge's own included."""
    made = [_topic(name, _partitions(name), _retention(name, STUDY_DAYS)) for name in SITE_TOPICS]
    made += [
        _topic(name, 1, _retention(name, DEAD_LETTER_DAYS)) for name in map(dead_letters, WITH_DEAD_LETTERS)
    ]
    return made + [_topic(name, 1, {"cleanup.policy": "compact"}) for name in CONNECT_TOPICS]


def centre_topics(sites: Iterable[str]) -> list[Manifest]:
    """The release topic of each site, as the bridge names it at the centre, and the centre's decisions."""
    names = [*map(at_the_centre, sites), DECISIONS]
    return [_topic(name, 1, _forever()) for name in names]


def _partitions(name: str) -> int:
    return 1 if name in ONE_PARTITION else PARTITIONS


def _clock(name: str) -> Manifest:
    """Whose clock our own topics go by; Connect's have Kafka's defaults."""
    return {} if name in CONNECT_TOPICS else {**time_settings(name)}


def _retention(name: str, days: int) -> Manifest:
    return _forever() if name in FOREVER else {"cleanup.policy": "delete", "retention.ms": days * DAY_MS}


def _forever() -> Manifest:
    """Never compacted, since the first record counts."""
    return {"cleanup.policy": "delete", "retention.ms": UNLIMITED, "retention.bytes": UNLIMITED}


def _topic(name: str, partitions: int, config: Manifest) -> Manifest:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": "log"}},
        "spec": {
            "topicName": name,
            "partitions": partitions,
            "replicas": 3,
            "config": {"min.insync.replicas": 2, **config, **_clock(name)},
        },
    }
