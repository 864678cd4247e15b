"""Studies that nobody has: for the example, the audit and the benchmark of what leaves."""

from collections.abc import Mapping
from datetime import datetime

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.contracts.studies import StudyScored

_IDENTITY = ModelIdentity(name="example", sha256="0" * 64)


def example_study(
    name: str, dice: float, at: datetime, features: Mapping[str, float | None] | None = None
) -> StudyScored:
    """A scored study of a patient with no other; it needs attention where its predicted Dice is below 0.6.

    Args:
        name: of study and patient, 32 hexadecimal digits.
    """
    return StudyScored(
        study=name,
        patient=name,
        received_at=at,
        status="scored",
        bins=None,
        predicted_dice=dice,
        interval=None,
        failure_probability=None,
        predicted_failed=dice < FAILED_BELOW,
        needs_attention=dice < FAILED_BELOW,
        reasons=(),
        drivers=(),
        features=dict(features or {}),
        lesion_source="nnunet",
        model=_IDENTITY,
        scorer=_IDENTITY,
    )
