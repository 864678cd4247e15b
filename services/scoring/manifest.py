"""What a scorer's manifest.json says. Closed and strict: a field too many or missing refuses the bundle."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from services.contracts.base import Contract, Digest, Name
from services.scoring.bins import EDGES

MODEL_FILE = "model.skops"
MANIFEST_FILE = "manifest.json"
CARD_FILE = "MODEL_CARD.md"

Probability = Annotated[float, Field(ge=0, le=1)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class MeasuredAs(Contract):
    """How the features were measured: a study measured otherwise is not scored."""

    profile: Literal["paper", "authors-code"]
    components: Literal["26", "l1"]


class FeatureStatistics(Contract):
    """One feature, in the model's order, and how it is spread over the training cohort."""

    name: Name
    mean: float
    sd: Annotated[float, Field(gt=0)]
    low: float
    high: float


class TrainingCohort(Contract):
    """What the scorer was fitted on: counts and a hash, no row of it."""

    sha256: Digest
    studies: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    failed: Annotated[int, Field(ge=0)]
    left_out_undefined: Annotated[int, Field(ge=0)]
    mean_dice: Probability


class PlattCalibration(Contract):
    """The failure probability is sigmoid(slope * logit(mass of the three lowest bins) + intercept)."""

    method: Literal["platt"]
    slope: Annotated[float, Field(ge=0)]
    intercept: float


class ResidualCalibration(Contract):
    """A regressor's bins come from its cross-validated residuals: 101 quantiles, ascending."""

    method: Literal["residuals"]
    quantiles: Annotated[tuple[float, ...], Field(min_length=101, max_length=101)]

    @model_validator(mode="after")
    def _quantiles_ascend(self) -> "ResidualCalibration":
        if any(later < earlier for earlier, later in zip(self.quantiles, self.quantiles[1:], strict=False)):
            raise ValueError("the quantiles do not ascend")
        return self


class Threshold(Contract):
    """From which failure probability on a study is predicted failed, and how that was chosen."""

    failure_probability: Probability
    target_sensitivity: Probability
    cross_validated_sensitivity: Probability
    cross_validated_specificity: Probability


class Interval(Contract):
    """Conformal interval: predicted Dice plus these two quantiles of the cross-validated residuals."""

    coverage: Probability
    low: float
    high: float


class Region(Contract):
    """Where the training cohort lies: the Mahalanobis distance beyond which a study is outside.

    `precision` is the inverse of the correlation matrix of the standardised features, row by row. No study
    of the cohort is kept.
    """

    quantile: Probability
    bound: Annotated[float, Field(gt=0)]
    precision: tuple[tuple[float, ...], ...]


class ScorerManifest(Contract):
    """A scorer: what it reads, what it was made from, and how its output is to be understood."""

    format: Literal["segwatch-scorer/1"]
    name: Name
    kind: Literal["classifier", "regressor"]
    model: Name
    model_sha256: Digest
    feature_set: Name
    features: Annotated[tuple[FeatureStatistics, ...], Field(min_length=1)]
    measured: MeasuredAs
    bin_edges: tuple[float, float, float, float]
    cohort: TrainingCohort
    calibration: Annotated[PlattCalibration | ResidualCalibration, Field(discriminator="method")]
    threshold: Threshold
    interval: Interval
    outside: Region
    seed: int
    versions: dict[str, str]
    intended_use: Words
    limits: Annotated[tuple[Words, ...], Field(min_length=1)]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features, in the order that the model reads."""
        return tuple(feature.name for feature in self.features)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "ScorerManifest":
        width = len(self.features)
        if len(set(self.feature_names)) != width:
            raise ValueError("a feature stands twice")
        if self.bin_edges != EDGES:
            raise ValueError(f"the bins' edges are not {EDGES}")
        if [len(row) for row in self.outside.precision] != [width] * width:
            raise ValueError(f"outside.precision is not {width} by {width}")
        if not _is_positive_definite(self.outside.precision):
            raise ValueError("outside.precision is not symmetric and positive definite")
        if (self.kind == "classifier") != (self.calibration.method == "platt"):
            raise ValueError("the calibration does not fit the kind of model")
        if self.interval.low > self.interval.high:
            raise ValueError("the interval's low is above its high")
        return self


def _is_positive_definite(rows: tuple[tuple[float, ...], ...]) -> bool:
    matrix = np.array(rows)
    smallest = float(np.linalg.eigvalsh(matrix).min())
    return bool(np.allclose(matrix, matrix.T)) and math.isfinite(smallest) and smallest > 0
