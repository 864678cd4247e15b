"""The three ways in which a model's word becomes a probability of failure, as a manifest holds them.

Each acts on one number a study that rises with the danger: the logit of a classifier's mass of the three
lowest bins, or 0.6 less a regressor's Dice. A regressor's bins are its Dice spread by its cross-validated
residuals, of which 101 quantiles are kept.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from segwatch.contracts.base import Contract

Probability = Annotated[float, Field(ge=0, le=1)]


def ascends(values: tuple[float, ...]) -> bool:
    """Whether no value is below the one before."""
    return all(earlier <= later for earlier, later in pairwise(values))


def _ascending(quantiles: tuple[float, ...]) -> tuple[float, ...]:
    if not ascends(quantiles):
        raise ValueError("the quantiles do not ascend")
    return quantiles


Quantiles = Annotated[tuple[float, ...], Field(min_length=101, max_length=101), AfterValidator(_ascending)]


class PlattCalibration(Contract):
    """The failure probability is sigmoid(slope * danger + intercept)."""

    method: Literal["platt"]
    slope: Annotated[float, Field(ge=0)]
    intercept: float
    quantiles: Quantiles | None = None


class IsotonicCalibration(Contract):
    """The failure probability is a line through knots that never falls, level beyond them."""

    method: Literal["isotonic"]
    danger: Annotated[tuple[float, ...], Field(min_length=1, max_length=1000)]
    failure: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=1000)]
    quantiles: Quantiles | None = None

    @model_validator(mode="after")
    def _knots_ascend(self) -> "IsotonicCalibration":
        if len(self.danger) != len(self.failure) or not (ascends(self.danger) and ascends(self.failure)):
            raise ValueError("the knots do not ascend together")
        return self


class ResidualCalibration(Contract):
    """A regressor's failure probability is the share of its spread Dice below 0.6."""

    method: Literal["residuals"]
    quantiles: Quantiles
