"""Topics and rights, held against the tables that they are made from."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from segwatch.contracts.topics import ONE_PARTITION, is_forever, settings_of
from segwatch.preflight.findings import Finding, fault, ok, unknown
from segwatch.streaming.access import CONNECT_TOPICS, Access, grants

NO_LIMIT = "-1"
DEFAULTS = {
    "retention.ms": "604800000",
    "retention.bytes": NO_LIMIT,
    "cleanup.policy": "delete",
    "message.timestamp.type": "CreateTime",
}
"""What is looked at, and what Kafka does where a topic does not say it (Kafka 4, broker configurations)."""

UNSEEN = ("retention", "unknown")
"""Check and state where a principal may not see how topics are kept."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is.

    Attributes:
        partitions: how many.
        config: its settings; None where they may not be seen.
        operations: what the principal may do, as Kafka spells it (`Read`).
    """

    partitions: int
    config: Mapping[str, str] | None = None
    operations: frozenset[str] = frozenset()


def topics(expected: Collection[str], found: Mapping[str, TopicState]) -> Iterator[Finding]:
    """Each topic that there must be: there, kept as it must be, in one partition where that counts."""
    unseen = []
    for name in expected:
        if name not in found:
            make = "`segwatch topics create`, or in Kubernetes the KafkaTopics of the overlay"
            yield fault("topic", f"there is no topic {name}", f"make it: {make}")
            continue
        state = found[name]
        wrong = list(_wrong(name, state))
        yield from wrong
        if state.config is None:
            unseen.append(name)
        elif not wrong:
            yield ok("topic", f"{name} is kept as it must be")
    if unseen:
        yield unknown(
            UNSEEN[0],
            f"how {len(unseen)} topics are kept may not be seen by this principal",
            "run it as one who may (DescribeConfigs), such as `platform`, or against the cluster",
        )


def rights(principal: str, access: Access, found: Mapping[str, TopicState]) -> Iterator[Finding]:
    """What a principal lacks on the topics that there are."""
    lacking = False
    for grant in grants(access):
        if grant.kind != "topic" or grant.name not in found:
            continue
        missing = [each for each in grant.operations if each not in found[grant.name].operations]
        if missing:
            lacking = True
            yield no_right(principal, missing, grant.name)
    if not lacking:
        yield ok("rights", f"{principal} may do what its work needs")


def no_right(principal: str, missing: Collection[str], topic: str) -> Finding:
    """A principal lacks something on a topic."""
    return fault(
        "rights",
        f"{principal} may not {', '.join(missing)} on {topic}",
        "give its rights anew from the one table: apply its KafkaUser, or run `segwatch install` again",
    )


def expected_of(access: Access) -> list[str]:
    """The topics that a principal's work needs, each once; the bridge's own are its worker's to make."""
    return [name for name in dict.fromkeys((*access.reads, *access.writes)) if name not in CONNECT_TOPICS]


def _wrong(name: str, state: TopicState) -> Iterator[Finding]:
    if (name in ONE_PARTITION or is_forever(name)) and state.partitions != 1:
        yield fault(
            "topic",
            f"{name} has {state.partitions} partitions and must have 1",
            "make it anew, while it is empty",
        )
    if state.config is None:
        return
    must = {"retention.ms": NO_LIMIT, "retention.bytes": NO_LIMIT} | settings_of(name)
    for key, otherwise in DEFAULTS.items():
        wanted, is_now = must[key], state.config.get(key)
        if str(is_now or otherwise) == wanted:
            continue
        yield fault(
            "retention",
            f"{name} has {f'{key}={is_now}' if is_now else f'no {key}'} and must have {wanted}",
            f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config {key}={wanted}",
        )
