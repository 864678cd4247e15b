"""Strimzi's KafkaTopic of each topic: partitions, how long it is kept, how many copies must have a record."""

from collections.abc import Iterable
from typing import Any

from segwatch.contracts.topics import (
    CENTRE_TOPICS,
    COPIES,
    DEAD_LETTERS,
    ONE_PARTITION,
    SITE_TOPICS,
    at_the_centre,
    in_step,
    is_forever,
    settings_of,
)
from segwatch.streaming.access import CONNECT_TOPICS

Manifest = dict[str, Any]

NEVER_PRUNED = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "helm.sh/resource-policy": "keep",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""What keeps Argo CD, Helm and Flux from deleting a record with its manifest, as when a hospital leaves."""
PARTITIONS = 3
"""How many members a stage can have at most, where order between studies does not matter."""


def site_topics() -> list[Manifest]:
    """All topics of a hospital, its dead-letter topics and the bridge's own included."""
    made = [_topic(name, _partitions(name), settings_of(name)) for name in SITE_TOPICS]
    made += [_topic(name, 1, settings_of(name)) for name in DEAD_LETTERS]
    return made + [_topic(name, 1, {"cleanup.policy": "compact"}) for name in CONNECT_TOPICS]


def centre_topics(sites: Iterable[str]) -> list[Manifest]:
    """The release topic of each site, as the bridge names it at the centre, and the centre's own topics."""
    return [_topic(name, 1, settings_of(name)) for name in (*map(at_the_centre, sites), *CENTRE_TOPICS)]


def _partitions(name: str) -> int:
    return 1 if name in ONE_PARTITION else PARTITIONS


def _topic(name: str, partitions: int, settings: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {
            "name": name,
            "labels": {"strimzi.io/cluster": "log"},
            **({"annotations": dict(NEVER_PRUNED)} if is_forever(name) else {}),
        },
        "spec": {
            "topicName": name,
            "partitions": partitions,
            "replicas": COPIES,
            "config": {name: _number(text) for name, text in {**in_step(COPIES), **settings}.items()},
        },
    }


def _number(text: str) -> int | str:
    """A number as YAML has it, where it is one that every reader takes whole."""
    return int(text) if text.lstrip("-").isdigit() and len(text) < len(str(2**53)) else text
