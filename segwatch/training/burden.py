"""Trains the second target: the error of the lesion's share of the lung, in percentage points.

It stands in a bundle only where it surely beats the constant on patients left out: what is no better than
saying the same of every mask is no prediction.
"""

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.pipeline import Pipeline

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.cohorts.table import Cohort
from segwatch.scoring.burden import POINTS, error_of, log_ratio, possible
from segwatch.scoring.forms import Form
from segwatch.scoring.interval import Interval
from segwatch.scoring.second_target import MASK_SHARE, Burden
from segwatch.scoring.skops_file import write
from segwatch.statistics.conformal import band_interval
from segwatch.statistics.resampling import mean_over_patients
from segwatch.training.models import SEED, ModelRecipe, boosted, fit, splits
from segwatch.training.serving_form import serving_form

FEWEST_FOLDS = 5
FLOOR, WEIGHT = 0.01, 0.7
"""See `segwatch.scoring.burden`. Chosen while trying on the patients whose figures the card tells."""
RESAMPLES = 2000
TAIL = 2.5
"""Per cent of the draws at either end of a gain's interval."""

RECIPE = ModelRecipe(
    "burden",
    "gradient boosting, absolute error",
    "regressor",
    partial(boosted, loss="absolute_error"),
    scaled=False,
)


@dataclass(frozen=True)
class BurdenRows:
    """Rows whose truth's share is known.

    Attributes:
        read: what the model reads (n, t). share: the mask's (n,), 0 to 1.
        error: the truth's less the mask's (n,), in points. known: which rows of the cohort (m,) these are.
    """

    read: Floats
    share: Floats
    error: Floats
    known: Flags

    @property
    def ratio(self) -> Floats:
        """What the model learns (n,), see `segwatch.scoring.burden`."""
        return log_ratio(np.clip(self.share + self.error / POINTS, 0.0, 1.0), self.share, FLOOR)


@dataclass(frozen=True)
class Foreseen:
    """What models that had not seen the patient say of rows (n,), and the constant of the others."""

    error: Floats
    constant: Floats


@dataclass(frozen=True)
class Gain:
    """How much a prediction errs less than the constant, with its 95 % interval over patients, in points."""

    mae: float
    mae_constant: float
    gain: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the constant is surely beaten."""
        return self.low > 0


@dataclass(frozen=True)
class TrainedBurden:
    """The second target as it was tried; `part` stands in the manifest, None where the gain is not sure."""

    skops: bytes
    part: Burden | None
    gain: Gain


def train_burden(raw: Cohort, read: Cohort, folds: Integers, seed: int = SEED) -> TrainedBurden | None:
    """The second target of a scorer; None where there is nothing to learn it from.

    Args:
        raw: training rows (n) with the features of the set. read: the same with what the model reads.
        folds: (n,), whole patients.
    """
    rows = burden_rows(raw, read)
    if rows is None or len(np.unique(folds[rows.known])) < FEWEST_FOLDS:
        return None
    made = foreseen(rows, folds[rows.known], seed)
    gain = gain_of(rows.error, made, raw.patients[rows.known])
    skops = write(fit_burden(rows, seed))
    interval = burden_interval(rows, made, raw.patients[rows.known])
    part = Burden(
        model_sha256=hashlib.sha256(skops).hexdigest(),
        floor=FLOOR,
        weight=WEIGHT,
        interval=interval,
        constant=float(np.median(rows.error)),
        mae=gain.mae,
        mae_constant=gain.mae_constant,
        gain=gain.gain,
        gain_low=gain.low,
        covered=share_covered(interval, rows.share, rows.error - made.error),
    )
    return TrainedBurden(skops, part if gain.sure else None, gain)


def share_covered(interval: Interval, share: Floats, residuals: Floats) -> float:
    """The share of rows (n,) whose residual lies within the interval of their mask's share."""
    bounds = np.array([interval.errors_at(float(each)) for each in share])
    return float(((bounds[:, 0] <= residuals) & (residuals <= bounds[:, 1])).mean())


def burden_rows(raw: Cohort, read: Cohort) -> BurdenRows | None:
    """What there is to learn from; None without the truths' shares, or where the mask's share is not read.

    Args:
        raw: rows with the features of the set. read: the same rows with what the model reads of them.
    """
    if raw.truth_share is None or MASK_SHARE not in raw.features:
        return None
    known = np.isfinite(raw.truth_share) & read.defined & raw.defined
    if not known.any():
        return None
    share = raw.values[known, raw.features.index(MASK_SHARE)]
    return BurdenRows(read.values[known], share, POINTS * (raw.truth_share[known] - share), known)


def fit_burden(rows: BurdenRows, seed: int = SEED) -> Form | Pipeline:
    """The model, fitted on all rows, in the form that a bundle holds."""
    return serving_form(fit(RECIPE, rows.read, rows.ratio, seed))


def foreseen(rows: BurdenRows, folds: Integers, seed: int = SEED) -> Foreseen:
    """Each row (n,) as a model says that was fitted on the other folds, whose median is the constant."""
    said, constant = np.empty(len(rows.error)), np.empty(len(rows.error))
    for learn, left_out in splits(folds):
        if not left_out.any():
            continue
        model = fit(RECIPE, rows.read[learn], rows.ratio[learn], seed)
        said[left_out] = as_error(model.predict(rows.read[left_out]), rows.share[left_out])
        constant[left_out] = possible(
            np.full(int(left_out.sum()), np.median(rows.error[learn])), rows.share[left_out]
        )
    return Foreseen(said, constant)


def as_error(ratio: Floats, share: Floats) -> Floats:
    """The error (n,) in points that the model's word means."""
    return error_of(ratio, share, floor=FLOOR, weight=WEIGHT)


def gain_of(error: Floats, made: Foreseen, patients: Texts) -> Gain:
    """How much what was foreseen of true errors (n,) gains on the constant; patients (n,) are resampled."""
    missed, constant = np.abs(made.error - error), np.abs(made.constant - error)
    gain, low, high = mean_over_patients(constant - missed, patients, resamples=RESAMPLES, tail=TAIL)
    return Gain(float(missed.mean()), float(constant.mean()), gain, low, high)


def burden_interval(rows: BurdenRows, made: Foreseen, patients: Texts) -> Interval:
    """Between which the error lies around the prediction, by the mask's share: large masks miss more."""
    return band_interval(rows.share, rows.error - made.error, patients, most=POINTS)
