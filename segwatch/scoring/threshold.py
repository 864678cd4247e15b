"""From which probability of failure on a study is flagged, as a manifest holds it."""

from typing import Annotated

from pydantic import Field

from segwatch.contracts.base import Contract
from segwatch.scoring.calibrated import Probability


class Threshold(Contract):
    """From which failure probability on a study is predicted failed, and how that was chosen.

    Either the highest that finds the target's share of the failures, or the cheapest where a missed failure
    costs as much as so many false alarms.
    """

    failure_probability: Probability
    target_sensitivity: Probability | None
    cost_of_a_miss: Annotated[float, Field(gt=0)] | None = None
    cross_validated_sensitivity: Probability
    cross_validated_specificity: Probability
