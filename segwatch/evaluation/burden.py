"""How well scorers foresee the error of the lesion's share of the lung, against a constant."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.cohorts.columns import TRAIN, TRUTH_SHARE
from segwatch.cohorts.table import Cohort
from segwatch.evaluation.entries import BurdenEntry, BurdenSetEntry
from segwatch.evaluation.plan import Plan
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.burden import POINTS, error_bounds, possible, share_error
from segwatch.scoring.predict import serve
from segwatch.scoring.second_target import MASK_SHARE
from segwatch.scoring.terms import columns
from segwatch.statistics.coverage import is_outside
from segwatch.training.burden import (
    BurdenRows,
    Foreseen,
    as_error,
    burden_interval,
    burden_rows,
    fit_burden,
    foreseen,
    gain_of,
)
from segwatch.training.models import patient_folds

FITTED = "fitted on train"
FOLDS = 5
NO_TRUTH = f"the cohort has no {TRUTH_SHARE}"
NO_SHARE = f"the features do not hold {MASK_SHARE}"


@dataclass(frozen=True)
class Said:
    """Of n studies the predicted error, the constant and the interval's ends (n,), all in points.

    NaN where there is none; a study outside has no interval, which would hold whatever is true.
    """

    error: Floats
    constant: Floats
    low: Floats
    high: Floats

    @classmethod
    def nothing(cls, n: int) -> "Said":
        """Studies of which nothing is said yet."""
        return cls(*(np.full(n, np.nan) for _ in range(4)))


def burden_entries(
    cohort: Cohort,
    plan: Plan | None,
    bundles: Mapping[str, Scorer],
    seed: int,
    resubstituted: Mapping[str, bool],
) -> dict[str, BurdenEntry]:
    """The second target of a model fitted by the plan, and of each bundle that has one.

    Args:
        cohort: all rows (n) with the table's columns. plan: of the same rows, None where nothing is fitted.
        bundles: scorers by name. resubstituted: whether each was fitted on these rows of `train`.
        seed: of the model.
    """
    found = {}
    if plan is not None:
        found[FITTED] = _fitted(cohort, plan, seed)
    for name, scorer in bundles.items():
        if scorer.burden is not None and scorer.manifest.burden is not None:
            found[name] = _served(cohort, scorer, resubstitution=resubstituted[name])
    return found


def _fitted(cohort: Cohort, plan: Plan, seed: int) -> BurdenEntry:
    if cohort.truth_share is None or MASK_SHARE not in cohort.features:
        return BurdenEntry(not_measurable=NO_TRUTH if cohort.truth_share is None else NO_SHARE, sets={})
    whole = burden_rows(cohort, plan.cohort)
    if whole is None:
        return BurdenEntry(not_measurable=NO_TRUTH, sets={})
    said = Said.nothing(len(cohort))
    place = np.flatnonzero(plan.of_set(TRAIN) & plan.cohort.defined)
    for split in plan.splits:
        learn = np.zeros(len(cohort), dtype=np.bool_)
        learn[place[split.learn]] = True
        learn &= whole.known
        rows = split.predict & whole.known
        if learn.any() and rows.any():
            _fill(said, cohort, _part(whole, learn), rows, _part(whole, rows), learn, seed)
    return _entry(cohort, said, resubstitution=not plan.leave_patient_out)


def _part(whole: BurdenRows, rows: Flags) -> BurdenRows:
    chosen = rows[whole.known]
    return BurdenRows(whole.read[chosen], whole.share[chosen], whole.error[chosen], rows)


def _fill(
    said: Said, cohort: Cohort, learnt: BurdenRows, rows: Flags, asked: BurdenRows, learn: Flags, seed: int
) -> None:
    folds = patient_folds(cohort.rows(learn), seed, FOLDS)
    interval = burden_interval(learnt, foreseen(learnt, folds, seed), cohort.patients[learn])
    error = as_error(fit_burden(learnt, seed).predict(asked.read), asked.share)
    ends = np.array([interval.errors_at(float(share)) for share in asked.share])
    said.error[rows] = error
    said.constant[rows] = possible(np.full(len(error), np.median(learnt.error)), asked.share)
    said.low[rows], said.high[rows] = (possible(error + ends[:, end], asked.share) for end in (0, 1))


def _served(cohort: Cohort, scorer: Scorer, *, resubstitution: bool) -> BurdenEntry:
    manifest, part = scorer.manifest, scorer.manifest.burden
    if cohort.truth_share is None or part is None:
        return BurdenEntry(not_measurable=NO_TRUTH, sets={})
    rows = cohort.select(manifest.feature_names)
    there = rows.defined & np.isfinite(cohort.truth_share)
    said, values = Said.nothing(len(cohort)), rows.values[there]
    error = share_error(scorer.burden, manifest, values)
    share = values[:, manifest.feature_names.index(MASK_SHARE)]
    dice = serve(scorer.model, manifest, values).dice
    read = columns(manifest.terms, rows.features, values)
    outside = is_outside(read, dice, manifest.columns, manifest.outside)
    ends = [
        (np.nan, np.nan) if far else error_bounds(part, float(one), float(at), outside=False)
        for one, at, far in zip(error, share, outside, strict=True)
    ]
    said.error[there] = error
    said.low[there], said.high[there] = np.array(ends).reshape(-1, 2).T
    said.constant[there] = possible(np.full(len(share), part.constant), share)
    return _entry(cohort, said, resubstitution=resubstitution)


def _entry(cohort: Cohort, said: Said, *, resubstitution: bool) -> BurdenEntry:
    sets = {
        name: _set_entry(cohort, said, cohort.sets == name, resubstitution=resubstitution and name == TRAIN)
        for name in cohort.set_names
    }
    return BurdenEntry(not_measurable=None, sets=sets)


def _set_entry(cohort: Cohort, said: Said, chosen: Flags, *, resubstitution: bool) -> BurdenSetEntry | None:
    rows = chosen & np.isfinite(said.error)
    if cohort.truth_share is None or not rows.any():
        return None
    share = cohort.values[rows, cohort.features.index(MASK_SHARE)]
    true, error = POINTS * (cohort.truth_share[rows] - share), said.error[rows]
    gain = gain_of(true, Foreseen(error, said.constant[rows]), cohort.patients[rows])
    low, high = said.low[rows], said.high[rows]
    known = np.isfinite(low)
    held = (low - 1e-9 <= true) & (true <= high + 1e-9)
    return BurdenSetEntry(
        n=int(rows.sum()),
        mae=gain.mae,
        mae_constant=gain.mae_constant,
        gain=gain.gain,
        gain_ci=(gain.low, gain.high),
        bias=float((error - true).mean()),
        covered=float(held[known].mean()) if known.any() else None,
        half_width=float((high - low)[known].mean() / 2) if known.any() else None,
        resubstitution=resubstitution,
    )
