"""Who may do what in Kafka: the one table that users and their rights are made from.

A principal has what its service does and no more. Read and Write bring Describe with them in Kafka; it is
written all the same, because that is what a service asks for at start.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from segwatch.contracts.topics import (
    COPIED,
    DEAD_LETTERS,
    DECISIONS,
    EXCESS,
    LEDGER,
    MEASURED,
    RECEIVED,
    RELEASE,
    SCORED,
    SCORER_DECISIONS,
    SEGMENTED,
    WITH_DEAD_LETTERS,
    at_the_centre,
    dead_letters,
)
from segwatch.errors import BadInput
from segwatch.streaming.stage import group_of

BROKER, PLATFORM = "broker", "platform"
"""The two principals that may do everything, where no Strimzi has its own: the broker itself, and who makes
its topics and rights."""
CONNECT_GROUP = "segwatch.bridge"
CONNECT_TOPICS = ("segwatch.bridge.configs", "segwatch.bridge.offsets", "segwatch.bridge.status")
"""Where the hospital's Connect worker keeps its own state: in the hospital."""

SITE_BYTES_A_SECOND = 8192
"""What a hospital may send to the centre. A site of 500 studies a day needs 4 bytes a second, and its history
of a year comes in four hours; one that sends all it may fills 20 GB in four weeks: a ticket comes first."""


@dataclass(frozen=True)
class Access:
    """What one principal may do.

    Attributes:
        reads: topics that it reads.
        writes: topics that it writes.
        group: the consumer group that it is a member of, where it is in one.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True)
class Grant:
    """What a principal may do with one thing, named in full: nothing by prefix or wildcard.

    Attributes:
        kind: `topic` or `group`.
        operations: as Kafka calls them.
    """

    kind: str
    name: str
    operations: tuple[str, ...]


def grants(access: Access) -> list[Grant]:
    """The rights as Kafka knows them, one entry a topic or group."""
    operations: dict[tuple[str, str], list[str]] = {}
    for topic in access.reads:
        operations.setdefault(("topic", topic), []).append("Read")
    for topic in access.writes:
        operations.setdefault(("topic", topic), []).append("Write")
    if access.group is not None:
        operations["group", access.group] = ["Read"]
    return [Grant(kind, name, (*allowed, "Describe")) for (kind, name), allowed in operations.items()]


def _stage(name: str, reads: str, writes: str) -> Access:
    return Access((reads, dead_letters(reads)), (writes, dead_letters(reads)), group_of(name))


# Each stage reads its dead-letter topic, to show how many letters wait.
HOSPITAL = {
    "ingest": Access(reads=(dead_letters(RECEIVED),), writes=(RECEIVED, dead_letters(RECEIVED))),
    "segmentation": _stage("segmentation", RECEIVED, SEGMENTED),
    "features": _stage("features", SEGMENTED, MEASURED),
    # Beside its bundles stands who runs `segwatch scorer promote`, as the service itself.
    "scoring": Access(
        reads=(MEASURED, dead_letters(MEASURED), SCORER_DECISIONS),
        writes=(SCORED, dead_letters(MEASURED), SCORER_DECISIONS),
        group=group_of("scoring"),
    ),
    # It folds whole topics, without a group: the log is its state. Dead letters are what has no score.
    "aggregation": Access(
        reads=(SCORED, *DEAD_LETTERS, LEDGER, RELEASE, DECISIONS),
        writes=(LEDGER, RELEASE, dead_letters(SCORED)),
    ),
    "bridge": Access((RELEASE, *CONNECT_TOPICS), CONNECT_TOPICS, CONNECT_GROUP),
    # Who runs `segwatch deadletters` and `segwatch site`: reads what was put aside and writes it back; reads
    # where the studies stand, and writes decisions. Who compares scorers or chooses studies to review reads
    # scores, and who decided about scorers. Neither ledger nor release.
    "operator": Access(
        (*DEAD_LETTERS, SCORED, DECISIONS, SCORER_DECISIONS), (*WITH_DEAD_LETTERS, *DEAD_LETTERS, DECISIONS)
    ),
    # What runs `segwatch topics save` each night.
    "backup": Access(reads=COPIED),
}
"""The principals of a hospital's Kafka."""


def centre(sites: Iterable[str]) -> dict[str, Access]:
    """The principals of the centre's Kafka: federation reads, each site writes its one topic, and who runs
    `segwatch site` there writes decisions. Federation's members share the sites out in a group, and tell one
    another what lies in a topic of their own.

    Raises:
        BadInput: a site is called as a principal of the centre's own.
    """
    topics = {site: at_the_centre(site) for site in sites}
    own = {
        "federation": Access(
            reads=(*topics.values(), DECISIONS, EXCESS), writes=(EXCESS,), group=group_of("federation")
        ),
        "operator": Access(reads=(*topics.values(), DECISIONS), writes=(DECISIONS,)),
        "backup": Access(reads=(DECISIONS,)),
    }
    if taken := sorted(own.keys() & topics.keys()):
        raise BadInput(f"no site may be called {', '.join(taken)}: the centre's own principals are")
    return own | {site: Access(writes=(topic,)) for site, topic in topics.items()}
