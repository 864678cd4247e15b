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

EXCESS = "segwatch.site.excess.v1"
"""At the centre: what federation's members tell one another of the sites that each of them watches."""

SITE_TOPICS = (RECEIVED, SEGMENTED, MEASURED, SCORED, LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS)
ONE_PARTITION = frozenset({SCORED, LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS})
"""Blocks follow the log's order, so what they are made from has one."""
FOREVER = frozenset({LEDGER, RELEASE, DECISIONS, SCORER_DECISIONS})
"""Kept without a time limit and never compacted: the first record with an id is the one that counts."""
COPIED = (LEDGER, DECISIONS, SCORER_DECISIONS)
"""What a backup needs, since nothing else tells it; releases follow from the ledger, and are sent again."""
COMPACTED = frozenset({EXCESS})
"""The last record of each key is all that counts, and can be made again."""
CENTRE_TOPICS = (DECISIONS, EXCESS)
"""The centre's own, beside each site's release topic."""
WITH_DEAD_LETTERS = (RECEIVED, SEGMENTED, MEASURED, SCORED)


DAY_MS = 24 * 60 * 60 * 1000
STUDY_DAYS = 90
"""A stage may be away for a quarter of a year before a study is lost to it."""
DEAD_LETTER_DAYS = 365
"""What was put aside waits a year for somebody to look at it."""
UNLIMITED = "-1"
COPIES = 3
"""Of each record, where there are so many brokers; it is acknowledged when all but one have it."""


def settings_of(topic: str) -> dict[str, str]:
    """How a topic of ours is kept, as Kafka's settings: the one table that Kubernetes, compose and
    `segwatch topics create` are made from.
    """
    if topic in COMPACTED:
        return {"cleanup.policy": "compact"} | _time_settings(topic)
    if is_forever(topic):
        limits = {"retention.ms": UNLIMITED, "retention.bytes": UNLIMITED}
    else:
        days = DEAD_LETTER_DAYS if topic.endswith(dead_letters("")) else STUDY_DAYS
        limits = {"retention.ms": str(days * DAY_MS)}
    return {"cleanup.policy": "delete"} | limits | _time_settings(topic)


def in_step(copies: int) -> dict[str, str]:
    """How many copies must have a record before it is acknowledged, as a topic's setting."""
    return {"min.insync.replicas": str(max(1, copies - 1))}


def is_forever(topic: str) -> bool:
    """Whether the topic has no time limit: ledger and release, in a hospital or at the centre."""
    return topic in FOREVER or site_of(topic) is not None


def _time_settings(topic: str) -> dict[str, str]:
    """Whose clock a topic goes by; a service's clock may be wrong by hours or days.

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


DEAD_LETTERS = tuple(map(dead_letters, WITH_DEAD_LETTERS))
"""Every dead-letter topic of a hospital."""
HOSPITAL_TOPICS = (*SITE_TOPICS, *DEAD_LETTERS)
"""Every topic of a hospital, dead-letter topics included."""


def at_the_centre(site: str) -> str:
    """The name that the bridge gives a site's release topic at the centre."""
    return f"{site}.{RELEASE}"


def listed_sites(text: str) -> list[str]:
    """The sites that a setting names by commas; none where it is empty.

    Examples:
        >>> listed_sites("hospital-a, hospital-b")
        ['hospital-a', 'hospital-b']
    """
    return [name for each in text.split(",") if (name := each.strip())]


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
