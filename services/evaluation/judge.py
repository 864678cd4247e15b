"""What a scorer makes of a cohort's sets, by the paper's protocol and as it is served."""

import numpy as np
from sklearn.pipeline import Pipeline

from services.evaluation.cohort import TRAIN, Cohort, Flags
from services.evaluation.metrics import Judged, constants
from services.evaluation.models import MODELS, protocol_bins
from services.evaluation.train import Trained
from services.scoring.bins import FAILED_BINS, bin_of, expected_dice, failure_mass
from services.scoring.manifest import ScorerManifest
from services.scoring.predict import Predictions, clipped_dice, predict, raw_bins


def by_protocol(model: Pipeline, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """The paper's protocol: failed is a predicted bin among the three lowest, nothing is calibrated."""
    rows = cohort.select(manifest.feature_names)
    there = rows.defined
    judged = _undefined(rows)
    values = rows.values[there]
    if not len(values):
        return judged
    judged.bins[there] = protocol_bins(MODELS[manifest.model], model, values)
    judged.flagged[there] = judged.bins[there] < FAILED_BINS
    if manifest.kind == "classifier":
        bins = raw_bins(model, values)
        judged.predicted[there], judged.score[there] = expected_dice(bins), failure_mass(bins)
    else:
        dice = clipped_dice(model, values)
        judged.predicted[there], judged.score[there] = dice, -dice
    return judged


def as_served(model: Pipeline, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """With the bundle's calibration and threshold; the bin is that of the predicted Dice."""
    rows = cohort.select(manifest.feature_names)
    there = rows.defined
    judged = _undefined(rows)
    if there.any():
        predicted = predict(model, manifest.kind, manifest.calibration, rows.values[there])
        _fill(judged, there, predicted, manifest)
    return judged


def out_of_fold(trained: Trained) -> Judged:
    """The training rows, each as served by models that were fitted without its patient."""
    judged = _undefined(trained.rows)
    _fill(judged, trained.rows.defined, trained.out_of_fold, trained.manifest)
    return judged


def judge_all(trained: Trained, cohort: Cohort) -> dict[tuple[str, str], tuple[Judged, Cohort]]:
    """Every set of the cohort under every way of judging, with the rows that were judged."""
    judged: dict[tuple[str, str], tuple[Judged, Cohort]] = {}
    for name in cohort.set_names:
        rows = cohort.of_set(name)
        title = f"{name} (resubstitution)" if name == TRAIN else name
        judged[title, "paper's protocol"] = by_protocol(trained.model, trained.manifest, rows), rows
        judged[title, "as served"] = as_served(trained.model, trained.manifest, rows), rows
        for constant, made in constants(rows.dice, trained.rows.dice).items():
            judged[title, constant] = made, rows
        if name == TRAIN:
            judged[f"{name} (out of fold)", "as served"] = out_of_fold(trained), trained.rows
    return judged


def _undefined(rows: Cohort) -> Judged:
    """All rows as undefined studies; what is defined is filled in."""
    n = len(rows)
    return Judged(
        dice=rows.dice,
        bins=np.zeros(n, dtype=np.int64),
        predicted=np.full(n, np.nan),
        flagged=np.ones(n, dtype=np.bool_),
        score=np.full(n, np.inf),
    )


def _fill(judged: Judged, there: Flags, predicted: Predictions, manifest: ScorerManifest) -> None:
    judged.bins[there] = bin_of(predicted.dice)
    judged.predicted[there] = predicted.dice
    judged.flagged[there] = predicted.failure >= manifest.threshold.failure_probability
    judged.score[there] = predicted.failure
