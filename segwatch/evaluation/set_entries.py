"""One model's figures for each set, as `report.json` holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from segwatch.cohorts.table import TRAIN, Cohort
from segwatch.evaluation.paper_protocol import empty, fill
from segwatch.evaluation.splits import Plan
from segwatch.scoring.bins import Floats
from segwatch.statistics import curves
from segwatch.statistics import figures_of_resamples as batch
from segwatch.statistics.binomial import exact_interval
from segwatch.statistics.figures import counts
from segwatch.statistics.figures_of_resamples import FIGURES, Made
from segwatch.statistics.patient_intervals import Interval, kept_model_intervals, percentiles
from segwatch.training.models import EVERY, fit

Entry = dict[str, Any]
KEPT = "patients of the set resampled, the model kept"
REFITTED = "patients of train and of the set resampled, the model fitted anew"
POINTS = (
    "192 training studies drawn with replacement, the model fitted anew, the set kept (the paper's bootstrap)"
)


def predicted(plan: Plan, model: str, seed: int) -> Made:
    """What the model makes of every row of the cohort, each by the fit that its split names."""
    made = empty(len(plan.cohort))
    there = plan.cohort.defined
    for split in plan.splits:
        learn = plan.train.rows(split.learn)
        fitted = fit(EVERY[model], learn.values, learn.dice, seed, plan.directions)
        rows = there & split.predict
        fill(made, 0, rows, EVERY[model], fitted, plan.cohort.values[rows])
    return made


def set_entries(cohort: Cohort, made: Made, *, resubstitution: bool, probability: bool) -> dict[str, Entry]:
    """For each set its figures, with intervals over its patients, the model kept, and its curves.

    Args:
        cohort: n rows. made: one judgement of them.
        resubstitution: whether the model was fitted on the rows of `train` that it is judged on.
        probability: whether the scores are probabilities of failure.
    """
    return {
        name: _entry(
            cohort.of_set(name),
            made.columns(np.asarray(cohort.sets == name, dtype=np.bool_)),
            resubstitution=resubstitution and name == TRAIN,
            probability=probability,
        )
        for name in cohort.set_names
    }


def short_entries(cohort: Cohort, made: Made) -> dict[str, Entry]:
    """The same without curves: counts, figures and intervals."""
    return {
        name: _figures(cohort.of_set(name), made.columns(np.asarray(cohort.sets == name, dtype=np.bool_)))
        for name in cohort.set_names
    }


def add_refitted(entries: Mapping[str, Entry], drawn: Floats, suffix: str) -> None:
    """Write intervals of retrainings (replicates, sets, figures) into the entries, under NAME + suffix."""
    for number, entry in enumerate(entries.values()):
        for column, figure in enumerate(FIGURES):
            entry[f"{figure}{suffix}"] = _listed(percentiles(drawn[:, number, column]))


def as_json(value: float) -> float | None:
    """A figure; None where it is not defined."""
    return None if np.isnan(value) else float(value)


def _entry(rows: Cohort, made: Made, *, resubstitution: bool, probability: bool) -> Entry:
    judged = made.first(rows.dice)
    return {
        "resubstitution": resubstitution,
        **_figures(rows, made),
        "confusion": curves.confusion(judged),
        "roc": curves.roc(judged),
        "risk_coverage": curves.risk_coverage(judged),
        "dice_calibration": curves.dice_calibration(judged),
        "failure_calibration": curves.failure_calibration(judged) if probability else None,
    }


def _figures(rows: Cohort, made: Made) -> Entry:
    found = batch.figures(rows.dice, made, np.ones((1, len(rows))))
    intervals = kept_model_intervals(rows.dice, made, rows.patients)
    number = counts(made.first(rows.dice))
    good = number["n"] - number["failed"]
    kept = round(good * float(found["binary_specificity"][0])) if good else 0
    return {
        "patients": len(set(rows.patients.tolist())),
        **number,
        **{figure: as_json(float(found[figure][0])) for figure in FIGURES},
        **{f"{figure}_ci": _listed(intervals[figure]) for figure in FIGURES},
        "sensitivity_exact_ci": _listed(exact_interval(number["found"], number["failed"])),
        "binary_specificity_exact_ci": _listed(exact_interval(kept, good)),
    }


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
