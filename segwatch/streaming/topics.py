"""Makes the topics of a hospital and of the centre, where nobody else does (in Kubernetes Strimzi does)."""

from collections.abc import Iterable, Sequence

from segwatch.contracts.topics import (
    CENTRE_TOPICS,
    COMPACTED,
    FOREVER,
    HOSPITAL_TOPICS,
    ONE_PARTITION,
    SITE_TOPICS,
    at_the_centre,
)
from segwatch.streaming.log import Log


def make_hospital_topics(log: Log, partitions: int = 1) -> Sequence[str]:
    """Make what is missing of a hospital's topics; the names of those that were.

    Args:
        log: as a principal that may make topics.
        partitions: how many members a stage can have at most. What blocks are made from has one, whatever
            this says.
    """
    numbers = {name: 1 if _one(name) else partitions for name in HOSPITAL_TOPICS}
    return _make(log, numbers, FOREVER)


def make_centre_topics(log: Log, sites: Iterable[str]) -> Sequence[str]:
    """Make each site's release topic at the centre, which the bridge may not, and the centre's own topics;
    the names of the new ones.
    """
    numbers = dict.fromkeys((*map(at_the_centre, sites), *CENTRE_TOPICS), 1)
    return _make(log, numbers, frozenset(numbers) - COMPACTED)


def _one(name: str) -> bool:
    return name in ONE_PARTITION or name not in SITE_TOPICS


def _make(log: Log, numbers: dict[str, int], forever: frozenset[str]) -> Sequence[str]:
    there = log.topics()
    log.create_topics(numbers, forever=forever)
    return [name for name in numbers if name not in there]
