"""Trains a scorer on a cohort's set `train`: fits it, and calibrates it on patients it did not see."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version

from sklearn.pipeline import Pipeline

from services.evaluation import calibration as calibrate
from services.evaluation.cohort import Cohort, RefusedCohort, training_rows
from services.evaluation.folds import patient_folds, predicted_out_of_fold
from services.evaluation.models import MODELS, SEED, Recipe, fit
from services.features.registry import SETS
from services.scoring.bins import COUNT, EDGES, Floats, failed, failure_mass
from services.scoring.manifest import (
    FeatureStatistics,
    MeasuredAs,
    ScorerManifest,
    TrainingCohort,
)
from services.scoring.predict import Calibration, Predictions, calibrated
from services.scoring.skops_file import write

INTENDED_USE = (
    "Monitors the quality of predicted lesion masks on chest CT in a hospital, without ground truth. "
    "It directs attention to masks and sites. It is no diagnosis and decides on no patient."
)
LIMITS = (
    "Valid for the segmenter, the scanners and the patients that the cohort represents.",
    "Sensitivity and specificity do not carry over to a site that has shifted.",
    "A study without one of the features has no predicted Dice and counts as failed.",
    "The interval's coverage holds on average over new patients like the cohort's, not for each patient.",
)
LIBRARIES = ("numpy", "scikit-learn", "segwatch", "skops")


@dataclass(frozen=True)
class Trained:
    """A scorer that is not written yet, and what it said of its own training rows out of fold."""

    recipe: Recipe
    model: Pipeline
    skops: bytes
    manifest: ScorerManifest
    rows: Cohort
    out_of_fold: Predictions


def train(
    cohort: Cohort,
    model: str,
    feature_set: str,
    *,
    name: str | None = None,
    measured: MeasuredAs | None = None,
    seed: int = SEED,
    limits: tuple[str, ...] = (),
) -> Trained:
    """The model trained on the rows of `train` that have all features of the set.

    Args:
        cohort: with the columns of the feature set.
        model: a name in MODELS. feature_set: a name in services.features.registry.SETS.
        name: of the scorer, MODEL-FEATURES where not given.
        measured: how the cohort was measured; DESIGN.md's default where not given.
        limits: said in the manifest beside those that hold for every scorer.

    Raises:
        RefusedCohort: nothing sound can be trained on it; says why.
    """
    recipe, features = _known(model, feature_set)
    chosen = training_rows(cohort.select(features))
    rows = chosen.rows(chosen.defined)
    _check_spread(rows)
    folds = patient_folds(rows, seed)
    raw = predicted_out_of_fold(recipe, rows, folds, seed)
    calibration = _calibration(raw, rows)
    seen = calibrated(raw, calibration)
    fitted = fit(recipe, rows.values, rows.dice, seed)
    skops = write(serving_part(fitted))
    manifest = ScorerManifest(
        format="segwatch-scorer/1",
        name=name or f"{model}-{feature_set}",
        kind=recipe.kind,
        model=model,
        model_sha256=hashlib.sha256(skops).hexdigest(),
        feature_set=feature_set,
        features=_statistics(rows),
        measured=measured or MeasuredAs(profile="paper", components="26"),
        bin_edges=EDGES,
        cohort=_description(chosen, rows),
        calibration=calibration,
        threshold=calibrate.choose_threshold(seen.failure, failed(rows.dice)),
        interval=calibrate.conformal_interval(rows.dice - seen.dice),
        outside=calibrate.fit_region(rows, folds),
        seed=seed,
        versions={library: version(library) for library in LIBRARIES},
        intended_use=INTENDED_USE,
        limits=(*LIMITS, *limits),
    )
    return Trained(recipe, fitted, skops, manifest, rows, seen)


def serving_part(fitted: Pipeline) -> Pipeline:
    """The pipeline without what only training needed: the optimiser's and the random generator's state."""
    for leftover in ("_optimizer", "_random_state"):
        vars(fitted["model"]).pop(leftover, None)
    return fitted


def _known(model: str, feature_set: str) -> tuple[Recipe, tuple[str, ...]]:
    if model not in MODELS:
        raise RefusedCohort(f"there is no model {model!r}; there are {', '.join(MODELS)}")
    if feature_set not in SETS:
        raise RefusedCohort(f"there is no feature set {feature_set!r}; there are {', '.join(SETS)}")
    return MODELS[model], SETS[feature_set]


def _check_spread(rows: Cohort) -> None:
    constant = [name for name, sd in zip(rows.features, rows.values.std(axis=0), strict=True) if not sd > 0]
    if constant:
        raise RefusedCohort(f"the feature {constant[0]} is the same in every training row: leave it out")


def _calibration(raw: Floats, rows: Cohort) -> Calibration:
    """From what the model says out of fold: bins (n, 5) of a classifier, Dice (n, 1) of a regressor."""
    if raw.shape[1] == COUNT:
        return calibrate.fit_platt(failure_mass(raw), failed(rows.dice))
    return calibrate.fit_residuals(rows.dice - raw[:, 0])


def _statistics(rows: Cohort) -> tuple[FeatureStatistics, ...]:
    return tuple(
        FeatureStatistics(
            name=name,
            mean=float(column.mean()),
            sd=float(column.std()),
            low=float(column.min()),
            high=float(column.max()),
        )
        for name, column in zip(rows.features, rows.values.T, strict=True)
    )


def _description(chosen: Cohort, rows: Cohort) -> TrainingCohort:
    return TrainingCohort(
        sha256=chosen.sha256(),
        studies=len(rows),
        patients=len(set(rows.patients.tolist())),
        failed=int(failed(rows.dice).sum()),
        left_out_undefined=len(chosen) - len(rows),
        mean_dice=float(rows.dice.mean()),
    )
