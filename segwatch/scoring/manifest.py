"""What a scorer's manifest.json says. Closed and strict: a field too many or missing refuses the bundle."""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from segwatch.contracts.base import Contract, Digest, Name
from segwatch.contracts.quality import OPINION
from segwatch.contracts.studies import Ensemble
from segwatch.scoring.bins import EDGES
from segwatch.scoring.calibrated import IsotonicCalibration, PlattCalibration, ResidualCalibration
from segwatch.scoring.columns import ColumnStatistics, FeatureStatistics
from segwatch.scoring.interval import Interval
from segwatch.scoring.region import Region
from segwatch.scoring.reviewed import Adaptation, SiteReviews
from segwatch.scoring.second_target import MASK_SHARE, Burden
from segwatch.scoring.terms import Term, needed
from segwatch.scoring.threshold import Threshold
from segwatch.scoring.training_results import (
    FailureDensities,
    Figure,
    GoodMasks,
    OpinionWorth,
    TrainingCohort,
)

MODEL_FILE = "model.skops"
MANIFEST_FILE = "manifest.json"
BURDEN_FILE = "burden.skops"
CARD_FILE = "MODEL_CARD.md"
WITHOUT_OPINION = "without_opinion"
"""The folder in a bundle that reads a second opinion: the scorer of studies that have none."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class MeasuredAs(Contract):
    """How the features were measured: a study measured otherwise is not scored."""

    profile: Literal["paper", "authors-code"]
    components: Literal["26", "l1"]


class ScorerManifest(Contract):
    """A scorer: what it reads, what it was made from, and how its output is to be understood.

    `ensemble` is what the agreement that it reads is of; `without_opinion_sha256` pins the scorer of studies
    without the second opinion that this one reads.
    """

    format: Literal["segwatch-scorer/1"]
    name: Name
    kind: Literal["classifier", "regressor"]
    model: Name
    model_sha256: Digest
    feature_set: Name
    features: Annotated[tuple[FeatureStatistics, ...], Field(min_length=1)]
    terms: tuple[Term, ...]
    term_statistics: tuple[ColumnStatistics, ...]
    measured: MeasuredAs
    bin_edges: tuple[float, float, float, float]
    cohort: TrainingCohort
    calibration: Annotated[
        PlattCalibration | IsotonicCalibration | ResidualCalibration, Field(discriminator="method")
    ]
    threshold: Threshold
    interval: Interval
    outside: Region
    figures: dict[str, Figure]
    good_masks: GoodMasks | None = None
    adaptation: Adaptation | None = None
    failure_densities: FailureDensities | None = None
    seed: int
    versions: dict[str, str]
    intended_use: Words
    limits: Annotated[tuple[Words, ...], Field(min_length=1)]
    burden: Burden | None = None
    site: SiteReviews | None = None
    ensemble: Ensemble | None = None
    opinion: OpinionWorth | None = None
    without_opinion_sha256: Digest | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features, in the order that the model reads."""
        return tuple(feature.name for feature in self.features)

    @property
    def reads_opinion(self) -> bool:
        """Whether a study needs a second opinion."""
        return any(name in OPINION for name in self.feature_names)

    @property
    def unfit_for_paging(self) -> tuple[str, ...]:
        """Why nobody should be paged on its word; empty where its own tests do not speak against it."""
        if self.good_masks is None and self.changed_for_a_site is not None:
            return ("it was changed for a site: what it says of good masks and truths was not tried anew",)
        if self.good_masks is None:
            return (
                "it was trained before good masks and truths were tried: what it says of them is not shown",
            )
        return self.good_masks.unfit

    @property
    def changed_for_a_site(self) -> Adaptation | SiteReviews | None:
        """What reviews at a site changed: both say how many there were; None of a fleet's scorer."""
        return self.adaptation or self.site

    @property
    def columns(self) -> tuple[ColumnStatistics, ...]:
        """What the model reads, in its order: the terms, or the features themselves where there are none."""
        return self.term_statistics or self.features

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "ScorerManifest":
        if len(set(self.feature_names)) != len(self.features):
            raise ValueError("a feature stands twice")
        if [term.name for term in self.terms] != [column.name for column in self.term_statistics]:
            raise ValueError("the terms and their statistics differ")
        if self.terms and set(needed(self.terms)) != set(self.feature_names):
            raise ValueError("the terms are not made of the features")
        if self.burden is not None and MASK_SHARE not in self.feature_names:
            raise ValueError(f"burden needs the feature {MASK_SHARE}")
        if self.bin_edges != EDGES:
            raise ValueError(f"the bins' edges are not {EDGES}")
        if self.reads_opinion != (self.opinion is not None):
            raise ValueError("it reads a second opinion and does not say what that is worth, or the reverse")
        if (self.kind == "regressor") != (self.calibration.quantiles is not None):
            raise ValueError("the calibration does not fit the kind of model")
        return self

    @model_validator(mode="after")
    def _outside_fits(self) -> "ScorerManifest":
        width = len(self.columns)
        if [len(row) for row in self.outside.precision] != [width] * width:
            raise ValueError(f"outside.precision is not {width} by {width}")
        doubt = self.outside.doubt
        if doubt is not None and len(doubt.weights) != 2 * width + 2:
            raise ValueError(f"outside.doubt has not {2 * width + 2} weights")
        if not _is_positive_definite(self.outside.precision):
            raise ValueError("outside.precision is not symmetric and positive definite")
        return self


def _is_positive_definite(rows: tuple[tuple[float, ...], ...]) -> bool:
    matrix = np.array(rows)
    smallest = float(np.linalg.eigvalsh(matrix).min())
    return bool(np.allclose(matrix, matrix.T)) and math.isfinite(smallest) and smallest > 0
