"""Intervals of the models that `evaluate` fits: from residuals out of fold, plain and weighted to a set."""

from dataclasses import dataclass

import numpy as np

from segwatch.cohorts.table import TRAIN, Cohort, Flags
from segwatch.evaluation.splits import Plan, Split
from segwatch.scoring.bins import COUNT, Floats, bin_of, expected_dice
from segwatch.statistics.conformal import banded_interval, effective, shift_weights, site_interval
from segwatch.statistics.dice_intervals import Ends, is_outside, no_ends, put
from segwatch.training.calibration import fit_region
from segwatch.training.described_cohort import spreads_of
from segwatch.training.folds import patient_folds, predicted_out_of_fold, splits
from segwatch.training.models import EVERY


@dataclass(frozen=True)
class FittedIntervals:
    """Of a cohort's rows the intervals as they are, and weighted to the row's test set.

    `effective`: how many training rows the weights of each test set leave, the fewest of its fits.
    """

    plain: Ends
    weighted: Ends
    effective: dict[str, float]


def held(plan: Plan, model: str, seed: int, predicted: Floats) -> FittedIntervals | None:
    """The intervals around predicted Dice (n,), each row's from the training rows of its split.

    The weights need the test set's measures and no truth. None where a fold has one bin only to learn from.
    """
    made = FittedIntervals(no_ends(len(plan.cohort)), no_ends(len(plan.cohort)), {})
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
        outside[rows] = is_outside(plan.cohort.values[rows], spreads_of(learn), region)
        interval = banded_interval(said, learn.dice - said, learn.patients)
        put(made.plain, rows, predicted[rows], interval, outside[rows])
        _put_weighted(made, plan, split, learn, said, predicted, outside)
    return made


def _put_weighted(
    made: FittedIntervals,
    plan: Plan,
    split: Split,
    learn: Cohort,
    said: Floats,
    predicted: Floats,
    outside: Flags,
) -> None:
    for name in plan.sets:
        site = plan.cohort.defined & plan.of_set(name)
        rows = site & split.predict
        if name == TRAIN or not rows.any():
            continue
        weights = shift_weights(learn.values, plan.cohort.values[site])
        made.effective[name] = min(effective(weights), made.effective.get(name, np.inf))
        interval = site_interval(said, learn.dice - said, weights)
        if interval is not None:
            put(made.weighted, rows, predicted[rows], interval, outside[rows])
