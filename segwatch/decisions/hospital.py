"""A hospital's own decisions: behind which of its studies they come."""

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.topics import DECISIONS, SCORED
from segwatch.errors import BadInput
from segwatch.streaming.decisions import decision_id, decision_record, decisions_in
from segwatch.streaming.log import Log
from segwatch.streaming.topic_reader import whole_topic


def is_a_hospital(log: Log) -> bool:
    """Whether studies are scored into this log."""
    return SCORED in log.topics()


def decide_here(log: Log, site: str, decision: SiteDecision) -> tuple[SiteDecision, bool]:
    """Write a decision behind the last scored study.

    Args:
        log: the hospital's.
        site: what the hospital is called, by its settings.
        decision: without the study that it follows.

    Returns:
        The decision with its place, and whether it is new: made a second time, nothing is written.

    Raises:
        BadInput: it is about another site.
        LogUnavailable, LogRefused: it was not written.
    """
    if decision.site != site:
        raise BadInput(
            f"this is the log of {site!r} (SEGWATCH_SITE), not of {decision.site!r}; the centre decides about"
            " other sites in its own log"
        )
    log.require_topics([DECISIONS])
    whole = decision.model_copy(update={"scored_to": _end(log)})
    if decision_id(whole) in decisions_in(whole_topic(log, DECISIONS)):
        return whole, False
    with log.producer() as producer:
        producer.send([decision_record(whole)])
    return whole, True


def _end(log: Log) -> int:
    return max((record.at.offset + 1 for record in whole_topic(log, SCORED)), default=0)
