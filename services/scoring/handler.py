"""One measured study in, one scored study out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import result_id
from segwatch.contracts.studies import StudyMeasured, StudyScored
from segwatch.contracts.topics import SCORED
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.score import scored_study
from services.scoring.metrics import ScoringMetrics

NAME = "scoring"


@dataclass(frozen=True)
class Scoring:
    """The stage's work: score, name the result after its parent and the scorer, count it."""

    scorer: Scorer
    metrics: ScoringMetrics
    now: Callable[[], datetime]

    def handle(self, event: Event[StudyMeasured]) -> Sequence[Event[StudyScored]]:
        """The scored study, with an id that a second copy of the same study bears too."""
        scored = scored_study(event.data, self.scorer)
        now = self.now()
        self.metrics.count(scored, seconds_since(event.data, now))
        name = result_id(NAME, event.id, self.scorer.identity.sha256)
        return [event.answered(NAME, name, SCORED, scored, now)]


def seconds_since(measured: StudyMeasured, now: datetime) -> float:
    """Since the study was complete, without the time that segmentation itself took; never negative."""
    waited = (now - measured.received_at).total_seconds()
    return max(0.0, waited - (measured.segmentation_seconds or 0.0))
