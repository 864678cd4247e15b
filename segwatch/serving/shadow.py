"""What a shadow says of a study: beside the score that counts, and never in its way."""

from segwatch.contracts.studies import ShadowScore, StudyMeasured
from segwatch.errors import Unprocessable
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.score import study_score

LONGEST = 500


def shadow_score(measured: StudyMeasured, shadow: Scorer) -> ShadowScore:
    """The shadow's score; one that cannot score the study says why, and needs attention."""
    try:
        found = study_score(measured, shadow)
    except Unprocessable as error:
        return ShadowScore(
            scorer=shadow.identity,
            status="refused",
            predicted_failed=True,
            needs_attention=True,
            reason=str(error)[:LONGEST],
        )
    return ShadowScore(
        scorer=shadow.identity,
        status=found.status,
        predicted_dice=found.predicted_dice,
        interval=found.interval,
        failure_probability=found.failure_probability,
        predicted_failed=found.predicted_failed,
        needs_attention=found.needs_attention,
        failure_ratio=found.failure_ratio,
    )
