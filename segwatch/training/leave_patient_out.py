"""Each patient scored by a scorer that never saw them: trained, calibrated and thresholded on the others.

Nothing of a patient reaches the scorer that judges them, the threshold included, so the figures are what a
new patient would see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.scoring.terms import columns
from segwatch.statistics.conformal import effective, shift_weights, site_interval
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.judge import as_served, intervals_as_served
from segwatch.training.models import SEED, patient_folds
from segwatch.training.train import Choices, Trained, train


@dataclass(frozen=True)
class LeftOut:
    """What scorers that never saw the patient made of each row.

    Attributes:
        judged: verdicts (n,).
        intervals: of predicted Dice, as they are served.
        weighted: those of rows from elsewhere, weighted to how such rows are measured; none in the cohort.
        effective: how many training rows the weights leave (n,), NaN where there are none.
        learnt_mae: the scorer's error on its own patients out of fold (n,), the same for all rows of a
            patient: what a choice among scorers may look at.
        learnt_error: the standard error of that mean, over patients (n,).
    """

    judged: Judged
    intervals: DiceIntervals
    weighted: DiceIntervals
    effective: Floats
    learnt_mae: Floats
    learnt_error: Floats


def leave_patient_out(
    cohort: Cohort,
    model: str,
    features: str,
    *,
    also: Cohort | None = None,
    choices: Choices = Choices(),  # noqa: B008 - frozen
    seed: int = SEED,
    most: int | None = None,
    done: Callable[[], None] = lambda: None,
) -> tuple[LeftOut, LeftOut | None]:
    """The rows of the set `train` of `cohort`, and those of `also`, each without its patient.

    Args:
        cohort: with a set `train`. A patient of `also` whom it does not hold is scored by the whole of it.
        also: other rows, of whatever sets: another segmenter's masks of the same patients.
        choices: of calibration and threshold; the manifests' own figures are not made.
        most: into so many groups at most the patients are dealt, each left out together; else each alone.
        done: called after each scorer.

    Raises:
        RefusedCohort: without some patient nothing sound can be trained; says why.
    """
    learnt = cohort.of_set(TRAIN)
    here = _empty(learnt)
    there = None if also is None else _empty(also)
    quick = replace(choices, resamples=0, second_target=False)
    for without in _left_out(learnt, also, seed, most):
        trained = train(
            learnt.rows(~np.isin(learnt.patients, without)), model, features, seed=seed, choices=quick
        )
        _fill(here, learnt, np.isin(learnt.patients, without), trained)
        if also is not None and there is not None:
            _fill(there, also, np.isin(also.patients, without), trained)
            _fill_weighted(there, also, np.isin(also.patients, without), trained)
        done()
    return here, there


def _left_out(learnt: Cohort, also: Cohort | None, seed: int, most: int | None) -> Iterator[list[str]]:
    """Which patients are left out together: those of `also` alone leave nothing out."""
    others = set() if also is None else set(also.patients.tolist()) - set(learnt.patients.tolist())
    if most is None:
        yield from ([patient] for patient in sorted({*learnt.patients.tolist(), *others}))
        return
    folds = patient_folds(learnt, seed, most)
    for number in range(int(folds.max()) + 1):
        yield sorted(set(learnt.patients[folds == number].tolist()))
    if others:
        yield sorted(others)


def _empty(rows: Cohort) -> LeftOut:
    n = len(rows)
    plain, weighted = DiceIntervals.none(n), DiceIntervals.none(n)
    return LeftOut(Judged.undefined(rows.dice), plain, weighted, *(np.full(n, np.nan) for _ in range(3)))


def _fill(into: LeftOut, rows: Cohort, chosen: Flags, trained: Trained) -> None:
    if not chosen.any():
        return
    mine = rows.rows(chosen)
    made = as_served(trained.model, trained.manifest, mine)
    _copy(made, into.judged, chosen)
    _copy(intervals_as_served(trained.manifest, mine, made.predicted), into.intervals, chosen)
    errors = np.abs(trained.out_of_fold.dice - trained.rows.dice)
    into.learnt_mae[chosen], into.learnt_error[chosen] = errors.mean(), _standard_error(errors, trained.rows)


def _standard_error(errors: Floats, rows: Cohort) -> float:
    """Of the mean of errors (n,), where patients are what is drawn: the sandwich of a ratio of sums."""
    names, owner = np.unique(rows.patients, return_inverse=True)
    away = np.bincount(owner, weights=errors - errors.mean())
    return float(np.sqrt(len(names) / (len(names) - 1) * (away**2).sum()) / len(errors))


def _fill_weighted(into: LeftOut, rows: Cohort, chosen: Flags, trained: Trained) -> None:
    """The same intervals from residuals weighted to all of `rows`; the patient's own are among them, since no
    Dice of theirs is looked at.
    """
    if not chosen.any():
        return
    manifest, raw = trained.manifest, rows.select(trained.manifest.feature_names)
    read = columns(manifest.terms, raw.features, raw.values[raw.defined])
    if not len(read):
        return
    weights = shift_weights(trained.rows.values, read)
    into.effective[chosen] = effective(weights)
    said = trained.out_of_fold.dice
    interval = site_interval(said, trained.rows.dice - said, weights, trained.rows.patients)
    if interval is not None:
        shifted = manifest.model_copy(update={"interval": interval})
        intervals = intervals_as_served(shifted, rows.rows(chosen), into.judged.predicted[chosen])
        _copy(intervals, into.weighted, chosen)


def _copy(made: Judged | DiceIntervals, into: Judged | DiceIntervals, chosen: Flags) -> None:
    for name, part in vars(into).items():
        if name != "dice":
            part[chosen] = getattr(made, name)
