"""How the columns that a model reads are spread over its training cohort, as a manifest holds it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from segwatch.contracts.base import Contract, Name


class ColumnStatistics(Contract):
    """How a column is spread over the training cohort."""

    name: Name
    mean: float
    sd: Annotated[float, Field(gt=0)]
    low: float
    high: float


class FeatureStatistics(ColumnStatistics):
    """One feature that a study needs, its version, and its card's words for those who read a score."""

    version: Annotated[int, Field(ge=1)]
    what: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    unit: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    good: Literal["high", "low", "neither"]
