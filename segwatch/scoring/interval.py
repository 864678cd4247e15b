"""The conformal interval of a prediction, as a manifest holds it."""

from typing import Annotated

from pydantic import Field, model_validator

from segwatch.contracts.base import Contract, Digest
from segwatch.scoring.calibrated import Probability


class Band(Contract):
    """The interval of studies whose predicted Dice is below `below`, and not below the band before."""

    below: float
    low: float
    high: float


class SiteAdaptation(Contract):
    """The site whose measures weighted an interval's residuals; no Dice of its studies was read.

    `effective` is how many rows of equal weight the cohort's weighted rows amount to.
    """

    sha256: Digest
    studies: Annotated[int, Field(ge=1)]
    left_out_undefined: Annotated[int, Field(ge=0)]
    effective: Annotated[float, Field(ge=1)]


class Interval(Contract):
    """Conformal interval: predicted Dice plus two quantiles of the cross-validated residuals.

    Where there are bands, those of the band that the predicted Dice falls into, else `low` and `high`.
    `patients_worst` is the lowest coverage that a patient with five studies or more had out of fold; of an
    interval that is weighted to a `site` it is not known.
    """

    coverage: Probability
    low: float
    high: float
    bands: tuple[Band, ...] = ()
    patients_worst: Probability | None = None
    site: SiteAdaptation | None = None

    @model_validator(mode="after")
    def _bands_are_in_order(self) -> "Interval":
        tops = [band.below for band in self.bands]
        if tops and (tops != sorted(set(tops)) or tops[-1] <= 1):
            raise ValueError("the bands do not ascend to above 1")
        if self.low > self.high or any(band.low > band.high for band in self.bands):
            raise ValueError("the interval's low is above its high")
        return self

    def around(self, dice: float) -> tuple[float, float]:
        """The interval of a predicted Dice, within 0 to 1."""
        low, high = self.errors_at(dice)
        return min(max(dice + low, 0.0), 1.0), min(max(dice + high, 0.0), 1.0)

    def errors_at(self, value: float) -> tuple[float, float]:
        """Between which the error lies, in the band that the value falls into."""
        band = next((band for band in self.bands if value < band.below), None)
        return (self.low, self.high) if band is None else (band.low, band.high)
