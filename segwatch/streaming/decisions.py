"""The topic of decisions: how one is written, and what the first record of each id says."""

from collections.abc import Iterable
from contextlib import suppress

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.identity import result_id
from segwatch.contracts.topics import DECISIONS
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Outgoing, Record, outgoing

SOURCE = "/decisions"


def decision_id(decision: SiteDecision) -> str:
    """The same for two that decide the same behind the same pulse or study: made twice, it counts once."""
    behind = f"{decision.epoch}/{decision.pulse}/{decision.scored_to}"
    if decision.released_to is not None:
        behind = f"{decision.release_topic}/{decision.released_to}"
    return result_id("decisions", decision.site, f"{decision.decision}/{behind}")


def decision_record(decision: SiteDecision) -> Outgoing:
    """The record that carries a decision."""
    event = Event(
        id=decision_id(decision),
        type=DECISIONS,
        key=decision.site,
        source=SOURCE,
        time=decision.at,
        data=decision,
    )
    return outgoing(DECISIONS, event)


def decisions_in(records: Iterable[Record]) -> dict[str, SiteDecision]:
    """The decisions by their ids, in the log's order; what cannot be read decides nothing."""
    found: dict[str, SiteDecision] = {}
    for record in records:
        with suppress(InvalidMessage):
            event = decode(DECISIONS, record.key, record.value, record.headers)
            found.setdefault(event.id, event.data)
    return found
