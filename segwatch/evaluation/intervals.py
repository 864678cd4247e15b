"""Intervals of predicted Dice of the models that `evaluate` fits, and what the report says of intervals.

They are made of residuals out of fold, as they are and weighted to a test set.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.evaluation.entries import IntervalEntry, WeightedCoverage
from segwatch.evaluation.plan import Plan, Split
from segwatch.scoring.bins import COUNT, bin_of, expected_dice
from segwatch.statistics.conformal import (
    COVERAGE,
    FEWEST_EFFECTIVE,
    banded_interval,
    effective,
    shift_weights,
    site_interval,
)
from segwatch.statistics.coverage import DiceIntervals, coverage, is_outside
from segwatch.training.calibration import fit_region
from segwatch.training.models import EVERY, patient_folds, predicted_out_of_fold, splits
from segwatch.training.row_statistics import spreads_of


@dataclass(frozen=True)
class FittedIntervals:
    """Of a cohort's rows the intervals as they are, and weighted to the row's test set.

    `effective`: how many training rows the weights of each test set leave, the fewest of its fits.
    """

    plain: DiceIntervals
    weighted: DiceIntervals
    effective: dict[str, float]


def fitted_intervals(plan: Plan, model: str, seed: int, predicted: Floats) -> FittedIntervals | None:
    """The intervals around predicted Dice (n,), each row's from the training rows of its split.

    The weights need the test set's measures and no truth. None where a fold has one bin only to learn from.
    """
    n = len(plan.cohort)
    made = FittedIntervals(DiceIntervals.none(n), DiceIntervals.none(n), {})
    for split in plan.splits:
        learn = plan.train.rows(split.learn)
        folds = patient_folds(learn, seed)
        if any(len(np.unique(bin_of(learn.dice[some]))) < 2 for some, _ in splits(folds)):
            return None
        raw = predicted_out_of_fold(EVERY[model], learn, folds, seed, plan.directions)
        said = expected_dice(raw) if raw.shape[1] == COUNT else raw[:, 0]
        rows = split.predict & plan.cohort.defined
        region = fit_region(learn, folds)
        outside = np.zeros(len(rows), dtype=np.bool_)
        outside[rows] = is_outside(plan.cohort.values[rows], predicted[rows], spreads_of(learn), region)
        interval = banded_interval(said, learn.dice - said, learn.patients)
        made.plain.fill(rows, predicted[rows], interval, outside[rows])
        _fill_weighted(made, plan, split, learn, said, predicted, outside)
    return made


def _fill_weighted(
    made: FittedIntervals,
    plan: Plan,
    split: Split,
    learn: Cohort,
    said: Floats,
    predicted: Floats,
    outside: Flags,
) -> None:
    for name in plan.cohort.set_names:
        site = plan.cohort.defined & plan.of_set(name)
        rows = site & split.predict
        if name == TRAIN or not rows.any():
            continue
        weights = shift_weights(learn.values, plan.cohort.values[site])
        made.effective[name] = min(effective(weights), made.effective.get(name, np.inf))
        interval = site_interval(said, learn.dice - said, weights, learn.patients)
        if interval is not None:
            made.weighted.fill(rows, predicted[rows], interval, outside[rows])


def interval_entries(
    cohort: Cohort, plain: DiceIntervals, nominal: float = COVERAGE, fitted: FittedIntervals | None = None
) -> dict[str, IntervalEntry]:
    """For each set how often the plain intervals hold; beside it, where there are weights, the weighted ones.

    Weights that leave too few rows make no interval: the figures are null, and the rows say why.
    """
    entries = {}
    for name in cohort.set_names:
        rows = np.asarray(cohort.sets == name, dtype=np.bool_)
        weighted = None
        if fitted is not None and name in fitted.effective:
            left = fitted.effective[name]
            there = fitted.weighted.rows(rows)
            if left < FEWEST_EFFECTIVE:
                there = replace(DiceIntervals.none(int(rows.sum())), outside=plain.outside[rows])
            weighted = WeightedCoverage(effective=left, **_coverage(cohort, rows, there))
        of_set = _coverage(cohort, rows, plain.rows(rows))
        entries[name] = IntervalEntry(nominal=nominal, **of_set, weighted=weighted)
    return entries


def _coverage(cohort: Cohort, rows: Flags, intervals: DiceIntervals) -> dict[str, Any]:
    return dict(coverage(intervals, cohort.dice[rows], cohort.patients[rows]))
