"""Trains a scorer on a cohort's set `train`: fits it, and calibrates it on patients it did not see."""

import hashlib
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Literal, cast, get_args

from sklearn.pipeline import Pipeline

from segwatch.arrays import Floats, Integers
from segwatch.cohorts.table import Cohort, training_rows
from segwatch.errors import BadInput, RefusedCohort
from segwatch.scoring.bins import COUNT, EDGES, failed
from segwatch.scoring.forms import Form
from segwatch.scoring.manifest import MeasuredAs, ScorerManifest
from segwatch.scoring.predict import Calibration, Predictions, calibrated, danger
from segwatch.scoring.region import Doubt
from segwatch.scoring.skops_file import write
from segwatch.scoring.threshold import Threshold
from segwatch.scoring.training_results import OpinionWorth
from segwatch.statistics.conformal import banded_interval
from segwatch.statistics.resampling import RESAMPLES
from segwatch.training.burden import TrainedBurden, train_burden
from segwatch.training.calibration import (
    TARGET_SENSITIVITY,
    cheapest_threshold,
    choose_threshold,
    failure_densities,
    fit_isotonic,
    fit_region,
    fit_residuals,
    fit_sigmoid,
    quantiles_of,
)
from segwatch.training.doubt import fit_doubt, has_segmenters, predicted_for_strangers
from segwatch.training.feature_sets import FeatureSet, feature_set
from segwatch.training.good_masks import tried_on_good_masks
from segwatch.training.models import EVERY, SEED, ModelRecipe, fit, patient_folds, predicted_out_of_fold
from segwatch.training.opinion import ensemble_of, not_taken, opinion_model, opinion_worth
from segwatch.training.row_statistics import check_spread, cohort_of, features_of, figures_of, spreads_of
from segwatch.training.serving_form import serving_form
from segwatch.training.site_interval import weighted_to

Calibrating = Literal["auto", "platt", "isotonic", "residuals"]
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
STRANGERS = 5
"""Folds in which patients and segmenters are left out together: as many fits for each segmenter."""
LIBRARIES = ("numpy", "scikit-learn", "segwatch", "skops")


@dataclass(frozen=True)
class Choices:
    """How a fitted model becomes a scorer.

    Attributes:
        calibration: `auto` is Platt's for classifiers and for models that are served as arrays, residuals for
            the paper's regressors.
        target_sensitivity: the share of the failures that the threshold must find.
        cost_of_a_miss: in false alarms; chooses the threshold instead of the target where given.
        resamples: of patients, for the manifest's figures; none where 0.
        second_target: whether the error of the lesion's share of the lung is tried, where truths' are known.
    """

    calibration: Calibrating = "auto"
    target_sensitivity: float = TARGET_SENSITIVITY
    cost_of_a_miss: float | None = None
    resamples: int = RESAMPLES
    second_target: bool = True


@dataclass(frozen=True)
class Trained:
    """A scorer that is not written yet, and what it said of its own training rows out of fold.

    Attributes:
        recipe: which model it is.
        model: fitted; it predicts from the columns of `rows`. skops: the same as a bundle's file holds it.
        manifest: what `save_scorer` writes beside it.
        rows: the training rows, with the columns that the model reads.
        out_of_fold: what was said of each row by a model that was fitted without its patient.
        second: the second target, as it was tried; None where it was not. It is in the manifest where it is
            sure, and `second.skops` is then its model, which `save_scorer` takes as `burden`.
        without_opinion: the scorer of studies without the second opinion that this one reads.
    """

    recipe: ModelRecipe
    model: Pipeline | Form
    skops: bytes
    manifest: ScorerManifest
    rows: Cohort
    out_of_fold: Predictions
    second: TrainedBurden | None = None
    without_opinion: "Trained | None" = None

    @property
    def burden(self) -> bytes | None:
        """The model of the second target, where the manifest names it."""
        return None if self.second is None or self.manifest.burden is None else self.second.skops


@dataclass(frozen=True)
class TrainingOptions:
    """What `train` was asked for, beside cohort and features."""

    recipe: ModelRecipe
    name: str | None
    measured: MeasuredAs | None
    seed: int
    limits: tuple[str, ...]
    choices: Choices
    site: Cohort | None


def train(
    cohort: Cohort,
    model: str,
    features: str,
    *,
    name: str | None = None,
    measured: MeasuredAs | None = None,
    seed: int = SEED,
    limits: tuple[str, ...] = (),
    choices: Choices = Choices(),
    site: Cohort | None = None,
) -> Trained:
    """The model trained on the rows of `train` that have all features of the set.

    Where the set reads a second opinion, a scorer without it is trained too: it scores studies that have
    none, and is all there is where the opinion does not surely gain.

    Args:
        cohort: with the columns of the feature set.
        model: a name in EVERY. features: what `feature_set` takes.
        name: of the scorer, MODEL-FEATURES where not given.
        measured: how the cohort was measured; by the paper's text where not given.
        limits: said in the manifest beside those that hold for every scorer.
        choices: of calibration and threshold.
        site: studies of a site, with the features of the set and without Dice, to which the interval is
            weighted.

    Raises:
        BadInput: there is no such model, feature or calibration.
        RefusedCohort: nothing sound can be trained on it, or its rows are too unlike the site's; says why.
    """
    recipe, wanted = _known(model, features)
    asked = TrainingOptions(recipe, name, measured, seed, limits, choices, site)
    if wanted.reads_opinion:
        return _with_opinion(cohort, wanted, asked)
    return _trained(_seen(cohort, wanted, asked), wanted, asked)


def _with_opinion(cohort: Cohort, wanted: FeatureSet, asked: TrainingOptions) -> Trained:
    """The scorer that reads the opinion, with the one that does not; that alone where there is no gain."""
    whose, less = opinion_model(cohort), wanted.without_opinion
    if less is None:
        raise RefusedCohort(
            "a second opinion alone is no scorer, since a study without one would have no score: add "
            "features of the mask"
        )
    without = _trained(_seen(cohort, less, asked), less, asked)
    seen = _seen(cohort, wanted, asked)
    worth = opinion_worth(whose, seen.raw_rows, seen.out_of_fold, without.rows, without.out_of_fold)
    if worth.gain.low <= 0:
        limits = (*without.manifest.limits, not_taken(worth))
        return replace(without, manifest=without.manifest.model_copy(update={"limits": limits}))
    return replace(_trained(seen, wanted, asked, worth), without_opinion=without)


@dataclass(frozen=True)
class _Seen:
    """The rows that have all features of a set, and what is said of each without its patient."""

    chosen: Cohort
    raw_rows: Cohort
    rows: Cohort
    folds: Integers
    calibration: Calibration
    out_of_fold: Predictions


def _seen(cohort: Cohort, wanted: FeatureSet, asked: TrainingOptions) -> _Seen:
    chosen = training_rows(cohort.select(wanted.features))
    raw_rows = chosen.rows(chosen.defined)
    rows = wanted.prepare(raw_rows)
    check_spread(rows)
    folds = patient_folds(rows, asked.seed)
    raw = predicted_out_of_fold(asked.recipe, rows, folds, asked.seed, wanted.directions)
    calibration = _calibration(asked.recipe, raw, rows, asked.choices.calibration)
    return _Seen(chosen, raw_rows, rows, folds, calibration, calibrated(raw, calibration))


def _trained(
    seen: _Seen, wanted: FeatureSet, asked: TrainingOptions, worth: OpinionWorth | None = None
) -> Trained:
    recipe, rows, choices, said = asked.recipe, seen.rows, asked.choices, seen.out_of_fold
    fitted = serving_form(fit(recipe, rows.values, rows.dice, asked.seed, wanted.directions))
    skops = write(fitted)
    threshold = _threshold(said, rows, choices)
    if asked.site is None:
        interval = banded_interval(said.dice, rows.dice - said.dice, rows.patients)
    else:
        interval = weighted_to(asked.site, wanted, rows, said.dice)
    doubt = _doubt(recipe, rows, said, seen.calibration, asked.seed, wanted.directions)
    second = train_burden(seen.raw_rows, rows, seen.folds, asked.seed) if choices.second_target else None
    manifest = ScorerManifest(
        format="segwatch-scorer/1",
        name=asked.name or f"{recipe.name}-{wanted.name}",
        kind=recipe.kind,
        model=recipe.name,
        model_sha256=hashlib.sha256(skops).hexdigest(),
        feature_set=wanted.name,
        features=features_of(seen.raw_rows),
        terms=wanted.terms,
        term_statistics=spreads_of(rows) if wanted.terms else (),
        measured=asked.measured or MeasuredAs(profile="paper", components="26"),
        bin_edges=EDGES,
        cohort=cohort_of(seen.chosen, seen.raw_rows),
        calibration=seen.calibration,
        threshold=threshold,
        interval=interval,
        outside=fit_region(rows, seen.folds).model_copy(update={"doubt": doubt}),
        figures=figures_of(rows, said, threshold, choices.resamples),
        good_masks=tried_on_good_masks(rows, said.dice, said.failure >= threshold.failure_probability),
        failure_densities=failure_densities(said.failure, failed(rows.dice)),
        seed=asked.seed,
        versions={library: version(library) for library in LIBRARIES},
        intended_use=INTENDED_USE,
        limits=(*LIMITS, *asked.limits),
        burden=None if second is None else second.part,
        ensemble=ensemble_of(seen.raw_rows),
        opinion=worth,
    )
    return Trained(recipe, fitted, skops, manifest, rows, said, second)


def calibrating(text: str) -> Calibrating:
    """The calibration of that name.

    Raises:
        BadInput: there is none; the message names those that there are.
    """
    if text not in get_args(Calibrating):
        raise BadInput(f"there is no calibration {text!r}; there are {', '.join(get_args(Calibrating))}")
    return cast("Calibrating", text)


def _known(model: str, features: str) -> tuple[ModelRecipe, FeatureSet]:
    if model not in EVERY:
        raise BadInput(f"there is no model {model!r}; there are {', '.join(EVERY)}")
    return EVERY[model], feature_set(features)


def _calibration(recipe: ModelRecipe, raw: Floats, rows: Cohort, how: Calibrating) -> Calibration:
    """From what the model says out of fold: bins (n, 5) of a classifier, Dice (n, 1) of a regressor."""
    classifier = raw.shape[1] == COUNT
    if how == "auto":
        how = "residuals" if recipe.name in ("rr", "svr", "mlp") else "platt"
    if how == "residuals":
        if classifier:
            raise RefusedCohort(
                f"the classifier {recipe.name} has no residuals: calibrate by platt or isotonic"
            )
        return fit_residuals(rows.dice - raw[:, 0])
    quantiles = None if classifier else quantiles_of(rows.dice - raw[:, 0])
    fitting = fit_sigmoid if how == "platt" else fit_isotonic
    return fitting(danger(raw), failed(rows.dice), quantiles)


def _doubt(
    recipe: ModelRecipe,
    rows: Cohort,
    seen: Predictions,
    calibration: Calibration,
    seed: int,
    directions: tuple[int, ...],
) -> Doubt | None:
    """From errors without the patient, and without the segmenter where several are known by name."""
    folds = patient_folds(rows, seed, STRANGERS)
    said = [seen.dice]
    if has_segmenters(rows):
        raw = predicted_for_strangers(recipe, rows, folds, seed, directions)
        said.append(calibrated(raw, calibration).dice)
    return fit_doubt(rows, said, folds)


def _threshold(seen: Predictions, rows: Cohort, choices: Choices) -> Threshold:
    if choices.cost_of_a_miss is None:
        return choose_threshold(seen.failure, failed(rows.dice), choices.target_sensitivity)
    return cheapest_threshold(seen.failure, failed(rows.dice), choices.cost_of_a_miss)
