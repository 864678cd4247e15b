"""The topics, and who may do what with them."""

RECEIVED = "segwatch.study.received.v1"
SEGMENTED = "segwatch.study.segmented.v1"
MEASURED = "segwatch.study.measured.v1"
SCORED = "segwatch.study.scored.v1"
LEDGER = "segwatch.site.ledger.v1"
RELEASE = "segwatch.site.release.v1"
DECISIONS = "segwatch.site.decisions.v1"
"""What people decide about alarms: each hospital has one of its own, and the centre one for all sites."""
SCORER_DECISIONS = "segwatch.scorer.decisions.v1"
"""Which scorer counts in a hospital, and who decided it."""

SITE_TOPICS = (RECEIVED, SEGMENTED, MEASURED, SCORED, LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS)
ONE_PARTITION = frozenset({SCORED, LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS})
"""Blocks follow the log's order, so what they are made from has one."""
FOREVER = frozenset({LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS})
"""Kept without a time limit and never compacted: the first record with an id is the one that counts."""
WITH_DEAD_LETTERS = (RECEIVED, SEGMENTED, MEASURED, SCORED)


def time_settings(topic: str) -> dict[str, str]:
    """Whose clock a topic goes by, as Kafka's settings; a service's clock may be wrong by hours or days.

    Topics of studies, dead letters and the ledger go by the broker's clock: by the sender's, retention would
    delete what a late clock has dated before the limit, and a record dated an hour ahead would be refused
    (KIP-1030). A release keeps its own time stamp, which is coarse on purpose, whatever it is.
    """
    if topic.endswith(RELEASE):
        return {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
    return {"message.timestamp.type": "LogAppendTime"}


def dead_letters(topic: str) -> str:
    """The dead-letter topic of a topic."""
    return f"{topic}.dlq"


HOSPITAL_TOPICS = (*SITE_TOPICS, *map(dead_letters, WITH_DEAD_LETTERS))
"""Every topic of a hospital, dead-letter topics included."""


def at_the_centre(site: str) -> str:
    """The name that the bridge gives a site's release topic at the centre."""
    return f"{site}.{RELEASE}"


def site_of(topic: str) -> str | None:
    """The site that a topic at the centre belongs to, or None where it is not a release topic.

    A site's identity is taken from here, never from a payload: one hospital cannot speak for another.

    Examples:
        >>> site_of("hospital-a.segwatch.site.release.v1")
        'hospital-a'
        >>> site_of("segwatch.site.release.v1") is None
        True
    """
    suffix = f".{RELEASE}"
    return topic[: -len(suffix)] or None if topic.endswith(suffix) else None
