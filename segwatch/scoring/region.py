"""Where the training cohort lies, and how far the scorer trusts itself there, as a manifest holds it."""

from typing import Annotated

from pydantic import Field

from segwatch.contracts.base import Contract
from segwatch.scoring.calibrated import Probability


class Doubt(Contract):
    """The error that the scorer must expect of itself, beyond whose bound a study is outside.

    A line in what the model reads (standardised, cut at `limit` standard deviations), the same times
    u = 4 d (1 - d) of the predicted Dice d, d, and u: a weight for each in that order. It was learnt from the
    errors on patients left out, and on segmenters left out too where they are known by name. The bound is the
    expectation that the given share of such studies keeps to; `followed` is its rank correlation with their
    errors.
    """

    quantile: Probability
    bound: float
    followed: Annotated[float, Field(ge=-1, le=1)]
    limit: Annotated[float, Field(gt=0)]
    weights: tuple[float, ...]
    intercept: float


class Region(Contract):
    """Where the training cohort lies: the Mahalanobis distance beyond which a study is outside.

    It is outside too where the scorer must expect a large error of itself: its `doubt`, if it has one.

    The bound is the distance that the given share of the studies keeps to when its patient is held out.
    `precision` is the inverse of the correlation matrix of what the model reads, standardised, row by row.
    No study of the cohort is kept.
    """

    quantile: Probability
    bound: Annotated[float, Field(gt=0)]
    precision: tuple[tuple[float, ...], ...]
    doubt: Doubt | None = None
