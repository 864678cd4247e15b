"""From features to bin probabilities, predicted Dice and the probability of failure."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from segwatch.arrays import Floats
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.scoring.bins import COUNT, FAILED_BINS, expected_dice, failure_mass, spread
from segwatch.scoring.calibrated import IsotonicCalibration, PlattCalibration, ResidualCalibration
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.reviewed import Adaptation
from segwatch.scoring.terms import columns

Calibration = PlattCalibration | IsotonicCalibration | ResidualCalibration
Rising = PlattCalibration | IsotonicCalibration
Kind = Literal["classifier", "regressor"]
NEVER_CERTAIN = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logit is taken."""


@dataclass(frozen=True)
class Predictions:
    """Of n studies: bins (n, 5), whose rows sum to 1, predicted Dice (n,), failure probability (n,)."""

    bins: Floats
    dice: Floats
    failure: Floats


def serve(model: Any, manifest: ScorerManifest, values: Floats) -> Predictions:  # noqa: ANN401 - scikit-learn carries no types
    """What a bundle says of its features (n, f) without gaps: terms, model, calibration, adaptation."""
    read = columns(manifest.terms, manifest.feature_names, values)
    predicted = predict(model, manifest.kind, manifest.calibration, read)
    return predicted if manifest.adaptation is None else adapted(predicted.dice, manifest.adaptation)


def predict(model: Any, kind: Kind, calibration: Calibration, values: Floats) -> Predictions:  # noqa: ANN401 - as above
    """Calibrated predictions from what the model reads (n, t), without gaps."""
    return calibrated(raw_output(model, kind, values), calibration)


def raw_output(model: Any, kind: Kind, values: Floats) -> Floats:  # noqa: ANN401 - as above
    """What the model itself says: a classifier's bins (n, 5), or a regressor's clipped Dice (n, 1)."""
    return raw_bins(model, values) if kind == "classifier" else clipped_dice(model, values)[:, None]


def danger(raw: Floats) -> Floats:
    """What calibration reads (n,): the logit of the mass of the failed bins, or 0.6 less the Dice."""
    return logit(failure_mass(raw)) if raw.shape[1] == COUNT else FAILED_BELOW - raw[:, 0]


def calibrated(raw: Floats, calibration: Calibration) -> Predictions:
    """What a scorer says, from its model's `raw_output`.

    A classifier's Dice is the probability-weighted mean of the bins' midpoints. A regressor's is its clipped
    prediction, and its bins are that prediction spread by its cross-validated residuals.
    """
    if calibration.quantiles is None:
        bins = rescale(raw, calibration)
        return Predictions(bins, expected_dice(bins), failure_mass(bins))
    dice = raw[:, 0]
    bins = spread(dice, np.array(calibration.quantiles))
    if not isinstance(calibration, ResidualCalibration):
        bins = _halves(bins, failure_of(danger(raw), calibration))
    return Predictions(bins, dice, failure_mass(bins))


def failure_of(danger: Floats, calibration: Rising) -> Floats:
    """The calibrated probability of failure (n,). Source: Platt (1999); Zadrozny and Elkan (2002)."""
    if isinstance(calibration, PlattCalibration):
        return sigmoid(calibration.slope * danger + calibration.intercept)
    return np.asarray(np.interp(danger, calibration.danger, calibration.failure), dtype=np.float64)


def adapted(dice: Floats, adaptation: Adaptation) -> Predictions:
    """The fleet's Dice (n,) as the site's reviewed studies have it, and its bins."""
    local = np.clip(adaptation.offset + adaptation.scale * dice, 0.0, 1.0)
    bins = spread(local, np.array(adaptation.quantiles))
    return Predictions(bins, local, failure_mass(bins))


def clipped_dice(regressor: Any, values: Floats) -> Floats:  # noqa: ANN401 - as above
    """A regressor's predictions (n,), clipped to [0, 1]."""
    return np.clip(np.asarray(regressor.predict(values), dtype=np.float64), 0.0, 1.0)


def raw_bins(classifier: Any, values: Floats) -> Floats:  # noqa: ANN401 - as above
    """Uncalibrated bin probabilities (n, 5): its own, or else the softmax of its decision values.

    A bin that the training cohort did not have gets 0.
    """
    if hasattr(classifier, "predict_proba"):
        shares = np.asarray(classifier.predict_proba(values), dtype=np.float64)
    else:
        shares = _softmax(_decision_columns(classifier, values))
    bins = np.zeros((len(values), COUNT))
    bins[:, np.asarray(classifier.classes_, dtype=np.int64)] = shares
    return bins


def rescale(bins: Floats, calibration: Rising) -> Floats:
    """A classifier's bins (n, 5), whose failed and good halves are scaled to the calibrated probability.

    Proportions within a half stay; a half that had no mass gets its share evenly.
    """
    return _halves(bins, failure_of(logit(failure_mass(bins)), calibration))


def _halves(bins: Floats, failure: Floats) -> Floats:
    scaled = np.empty_like(bins)
    for half, mass in ((slice(0, FAILED_BINS), failure), (slice(FAILED_BINS, COUNT), 1.0 - failure)):
        part = np.maximum(bins[:, half], NEVER_CERTAIN / COUNT)
        scaled[:, half] = part / part.sum(axis=1, keepdims=True) * mass[:, None]
    return scaled


def logit(probability: Floats) -> Floats:
    """log(p / (1 - p)), finite at 0 and 1."""
    safe = np.clip(probability, NEVER_CERTAIN, 1.0 - NEVER_CERTAIN)
    return np.asarray(np.log(safe / (1.0 - safe)), dtype=np.float64)


def sigmoid(value: Floats) -> Floats:
    """1 / (1 + exp(-v)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * value)), dtype=np.float64)


def _decision_columns(classifier: Any, values: Floats) -> Floats:  # noqa: ANN401 - as above
    decisions = np.asarray(classifier.decision_function(values), dtype=np.float64)
    return decisions if decisions.ndim == 2 else np.stack([-decisions, decisions], axis=1)


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
