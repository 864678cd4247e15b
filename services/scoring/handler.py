"""One measured study in, one scored study out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import result_id
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import StudyMeasured, StudyScored
from segwatch.contracts.topics import SCORED
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.score import scored_study
from segwatch.serving.roles import roles
from segwatch.serving.shadow import shadow_score
from services.scoring.metrics import ScoringMetrics

NAME = "scoring"


def nothing_decided() -> None:
    """What was decided last where nobody decides."""


@dataclass(frozen=True)
class Scoring:
    """The stage's work: score, name the result after its parent and the scorer, count it.

    Attributes:
        scorer: which counts as long as nothing was decided.
        now: the time.
        shadow: scores beside it, until a decision makes it count.
        decided: the last decision about which counts.
    """

    scorer: Scorer
    metrics: ScoringMetrics
    now: Callable[[], datetime]
    shadow: Scorer | None = None
    decided: Callable[[], ScorerDecision | None] = nothing_decided

    def handle(self, event: Event[StudyMeasured]) -> Sequence[Event[StudyScored]]:
        """The scored study, with an id that a second copy of the same study bears too.

        Raises:
            Unprocessable: as `segwatch.scoring.score.score`.
            ScorerAway: by a decision neither scorer counts. LogUnavailable, LogRefused: whether there is one.
        """
        served = roles(self.scorer, self.shadow, self.decided())
        self.metrics.serve(served)
        scored = scored_study(event.data, served.counts)
        if served.shadow is not None:
            beside = shadow_score(event.data, served.shadow)
            scored = scored.model_copy(update={"shadow": beside})
        now = self.now()
        self.metrics.count(scored, seconds_since(event.data, now))
        name = result_id(NAME, event.id, served.counts.identity.sha256)
        return [event.answered(NAME, name, SCORED, scored, now)]


def seconds_since(measured: StudyMeasured, now: datetime) -> float:
    """Since the study was complete, without the time that segmentation itself took; never negative."""
    waited = (now - measured.received_at).total_seconds()
    return max(0.0, waited - (measured.segmentation_seconds or 0.0))
