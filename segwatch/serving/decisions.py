"""The topic of decisions about scorers: its one fold, and how a decision is written."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Literal

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.identity import result_id
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.topics import SCORER_DECISIONS
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Log, outgoing
from segwatch.streaming.topic_reader import TopicReader

LOOK_SECONDS = 1.0
"""How late a decision is met at most; every look asks the log where its end is."""


class ScorerDecisions:
    """All decisions so far, in the log's order; the first record that bears an id counts.

    Belongs to one thread at a time.
    """

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._topic = TopicReader(log, SCORER_DECISIONS)
        self._clock = clock
        self._look_at = float("-inf")
        self._by_id: dict[str, ScorerDecision] = {}

    def all(self) -> list[ScorerDecision]:
        """All that lie in the topic now.

        Raises:
            LogUnavailable, LogRefused: call again later; nothing is skipped.
        """
        for record in self._topic.to_end():
            with suppress(InvalidMessage):  # what cannot be read decides nothing
                event = decode(SCORER_DECISIONS, record.key, record.value, record.headers)
                self._by_id.setdefault(event.id, event.data)
        self._look_at = self._clock() + LOOK_SECONDS
        return list(self._by_id.values())

    def last(self) -> ScorerDecision | None:
        """The last one, at most LOOK_SECONDS late; raises as `all` does."""
        found = list(self._by_id.values()) if self._clock() < self._look_at else self.all()
        return found[-1] if found else None

    def close(self) -> None:
        """Let the connection go."""
        self._topic.close()


def decide(
    log: Log,
    before: list[ScorerDecision],
    decision: Literal["promote", "rollback"],
    counts: ModelIdentity,
    instead_of: ModelIdentity,
    *,
    reason: str,
    who: str,
    at: datetime,
) -> ScorerDecision:
    """Write a decision behind those that came before, and wait until the log has it.

    Two who decide the same at the same moment write one id: it counts once.

    Raises:
        LogUnavailable, LogRefused: whether it was written is not known; the same command again is safe.
    """
    made = ScorerDecision(
        decision=decision,
        number=len(before),
        counts=counts,
        instead_of=instead_of,
        reason=reason,
        who=who,
        at=at,
    )
    name = result_id("scorer-decision", f"{made.number}", counts.sha256)
    event = Event(name, SCORER_DECISIONS, "scorer", "/scorer", at, made)
    log.require_topics([SCORER_DECISIONS])
    with log.producer() as producer:
        producer.send([outgoing(SCORER_DECISIONS, event)])
    return made
