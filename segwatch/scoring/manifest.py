"""What a scorer's manifest.json says. Closed and strict: a field too many or missing refuses the bundle."""

import math
from bisect import bisect_right
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from segwatch.contracts.base import Contract, Digest, ModelIdentity, Name
from segwatch.contracts.quality import OPINION
from segwatch.contracts.studies import Ensemble
from segwatch.scoring.bins import EDGES
from segwatch.scoring.calibrated import (
    IsotonicCalibration,
    PlattCalibration,
    Probability,
    ResidualCalibration,
)
from segwatch.scoring.reviewed import SiteReviews
from segwatch.scoring.terms import Term, needed
from segwatch.scoring.threshold import Threshold

MODEL_FILE = "model.skops"
MANIFEST_FILE = "manifest.json"
BURDEN_FILE = "burden.skops"
CARD_FILE = "MODEL_CARD.md"
WITHOUT_OPINION = "without_opinion"
"""The folder in a bundle that reads a second opinion: the scorer of studies that have none."""

MASK_SHARE = "lesion_share_of_lung"
"""The mask's share of the lung, whose error `burden` predicts."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


NOT_SHOWN = (
    "that the scorer tells this site's studies apart is not shown yet; review more of them, bad ones too."
)
"""Said where an adaptation does not surely beat the reviews' mean."""


LEAST_TRUTH_DICE, MOST_TRUTHS_FLAGGED, MOST_OUTRANKED = 0.75, 0.1, 0.5
"""A scorer that is fit for paging predicts a truth so good at least, flags so many of them at most, and does
not rank good predictions above their truth more often than a coin would."""


class MeasuredAs(Contract):
    """How the features were measured: a study measured otherwise is not scored."""

    profile: Literal["paper", "authors-code"]
    components: Literal["26", "l1"]


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


class Figure(Contract):
    """A figure of the training rows out of fold, with the 95 % interval that resamples patients."""

    value: float
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


class FailureDensities(Contract):
    """How the failure probabilities of failed and of good training rows are spread, out of fold.

    Cell c holds those from edge c - 1 up to edge c; the first begins at 0, the last ends at 1. Counts and
    edges, no row.
    """

    edges: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=50)]
    failed: tuple[Annotated[int, Field(ge=0)], ...]
    good: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _edges_ascend_between_the_cells(self) -> "FailureDensities":
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("the edges do not ascend")
        if not len(self.failed) == len(self.good) == len(self.edges) + 1:
            raise ValueError("the edges do not part the cells")
        return self

    def ratio(self, failure_probability: float) -> float:
        """How many times denser it is among failed rows than among good ones. Half a row is
        added to each cell, so that what was never seen is not certain."""
        cell = bisect_right(self.edges, failure_probability)
        cells = len(self.failed)
        failed = (self.failed[cell] + 0.5) / (sum(self.failed) + 0.5 * cells)
        return failed / ((self.good[cell] + 0.5) / (sum(self.good) + 0.5 * cells))


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


class GoodMasks(Contract):
    """What the scorer says, out of fold, of good masks (Dice of 0.6 or more) and of truths given as masks.

    `specificity` is the mean over patients of the share of their good masks that is not flagged,
    `worst_patient` the lowest of those with five of them or more. `truths` are the masks of Dice 1;
    `truths_outranked` is the share of pairs of a truth and a good prediction of the same patient in which the
    prediction is ranked higher. What the cohort does not hold is None: then it is not shown.
    """

    patients: Annotated[int, Field(ge=0)]
    specificity: Probability | None
    worst_patient: Probability | None
    truths: Annotated[int, Field(ge=0)]
    truth_dice: Probability | None
    truths_flagged: Probability | None
    truths_outranked: Probability | None

    @property
    def unfit(self) -> tuple[str, ...]:
        """Why the scorer is unfit for paging, in words; empty where these tests do not show that it is."""
        if self.truth_dice is None or self.truths_flagged is None:
            return ("the truth as a mask was not among its masks: that it is taken for good is not shown",)
        reasons = []
        if self.truth_dice < LEAST_TRUTH_DICE:
            reasons.append(f"the truth itself is predicted {self.truth_dice:.2f} on average")
        if self.truths_flagged > MOST_TRUTHS_FLAGGED:
            reasons.append(f"the truth itself is flagged in {self.truths_flagged:.0%}")
        if self.truths_outranked is not None and self.truths_outranked > MOST_OUTRANKED:
            reasons.append(f"{self.truths_outranked:.0%} of the good predictions rank above their truth")
        return tuple(reasons)


class Burden(Contract):
    """The second target: how far the mask's lesion share of the lung is from the truth's.

    Truth's share less the mask's, in percentage points. `model_sha256` is of `burden.skops`, which predicts
    it from the columns that the scorer's model reads, by `floor` and `weight`
    (`segwatch.scoring.burden`). The interval's bands are of the mask's share, and its bounds are added to the
    prediction. `constant` is the training rows' median error, what would be said of every mask. The figures
    are of patients left out: `mae_constant` is of the other patients' constant, and `gain_low` the lower end
    of the gain's 95 % interval over patients.
    """

    model_sha256: Digest
    floor: Annotated[float, Field(gt=0, lt=1)]
    weight: Annotated[float, Field(gt=0, le=1)]
    interval: Interval
    constant: Annotated[float, Field(ge=-100, le=100)]
    mae: Annotated[float, Field(ge=0)]
    mae_constant: Annotated[float, Field(ge=0)]
    gain: float
    gain_low: float
    covered: Probability


class Adaptation(Contract):
    """What a site's reviewed studies changed: the Dice is offset + scale * (fleet's Dice), within 0 to 1.

    Bins and the probability of failure are those of that Dice, spread by `quantiles`, 101 of the errors that
    were left on patients held out. `mae_before` and `mae_after` are of the reviewed studies, cross-validated
    by patient; `gain_low` is the lower end of the 90 % interval of the difference. `mae_constant` is what the
    mean of the other patients' reviews gives every study, and `gain_on_constant_low` the same lower end
    against it.
    """

    fleet_sha256: Digest
    reviews_sha256: Digest
    studies: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    offset: float
    scale: Annotated[float, Field(gt=0)]
    quantiles: Annotated[tuple[float, ...], Field(min_length=101, max_length=101)]
    mae_before: Probability
    mae_after: Probability
    mae_constant: Probability
    gain_low: float
    gain_on_constant_low: float

    @property
    def ranking_shown(self) -> bool:
        """Whether the reviews show that the scorer tells the site's studies apart."""
        return self.gain_on_constant_low > 0


class OpinionWorth(Contract):
    """What a second opinion adds, on masks of patients left out, and whose opinion it is.

    `gain` is in AUROC for failed masks, over the scorer that reads none, with its 95 % interval over
    patients. `dice` is the opinion's own, with the truths that were among the masks; None where none were. A
    study whose opinion is another model's is scored as one without.
    """

    model: ModelIdentity
    gain: Figure
    auroc_without: Probability
    dice: Probability | None


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
