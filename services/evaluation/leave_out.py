"""Each patient scored by a scorer that never saw them: trained, calibrated and thresholded on the others.

Nothing of a patient reaches the scorer that judges them, the threshold included, so the figures are what a
new patient would see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from services.evaluation.cohort import TRAIN, Cohort, Flags
from services.evaluation.judge import as_served
from services.evaluation.metrics import Judged
from services.evaluation.models import SEED
from services.evaluation.train import Choices, Trained, train
from services.evaluation.verdicts import all_undefined
from services.scoring.bins import Floats
from services.scoring.outside import distance, standardise
from services.scoring.terms import columns


@dataclass(frozen=True)
class LeftOut:
    """What scorers that never saw the patient made of each row.

    Attributes:
        judged: verdicts (n,).
        low, high: the interval's ends (n,); 0 and 1 where outside, NaN where undefined.
        outside: whether the row is unlike the training cohort (n,).
    """

    judged: Judged
    low: Floats
    high: Floats
    outside: Flags


def leave_patient_out(
    cohort: Cohort,
    model: str,
    features: str,
    *,
    also: Cohort | None = None,
    choices: Choices = Choices(),  # noqa: B008 - frozen
    seed: int = SEED,
    done: Callable[[], None] = lambda: None,
) -> tuple[LeftOut, LeftOut | None]:
    """The rows of the set `train` of `cohort`, and those of `also`, each without its patient.

    Args:
        cohort: with a set `train`. A patient of `also` whom it does not hold is scored by the whole of it.
        also: other rows, of whatever sets: another segmenter's masks of the same patients.
        choices: of calibration and threshold; the manifests' own figures are not made.
        done: called after each scorer.

    Raises:
        RefusedCohort: without some patient nothing sound can be trained; says why.
    """
    learnt = cohort.of_set(TRAIN)
    here = _empty(learnt)
    there = None if also is None else _empty(also)
    quick = replace(choices, resamples=0)
    for without, trained in _scorers(learnt, also, model, features, quick, seed):
        _put(here, learnt, learnt.patients == without, trained)
        if also is not None and there is not None:
            _put(there, also, also.patients == without, trained)
        done()
    return here, there


def _scorers(
    learnt: Cohort, also: Cohort | None, model: str, features: str, choices: Choices, seed: int
) -> Iterator[tuple[str, Trained]]:
    patients = set(learnt.patients.tolist()) | (set() if also is None else set(also.patients.tolist()))
    for patient in sorted(patients):
        rest = learnt.rows(learnt.patients != patient)
        yield patient, train(rest, model, features, seed=seed, choices=choices)


def _empty(rows: Cohort) -> LeftOut:
    n = len(rows)
    return LeftOut(all_undefined(rows.dice), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, np.bool_))


def _put(into: LeftOut, rows: Cohort, chosen: Flags, trained: Trained) -> None:
    if not chosen.any():
        return
    manifest = trained.manifest
    made = as_served(trained.model, manifest, rows.rows(chosen))
    for name, part in vars(into.judged).items():
        if name != "dice":
            part[chosen] = getattr(made, name)
    values = rows.rows(chosen).select(manifest.feature_names).values
    defined = np.isfinite(values).all(axis=1)
    places = np.flatnonzero(chosen)[defined]
    read = columns(manifest.terms, manifest.feature_names, values[defined])
    far = distance(standardise(read, manifest.columns), np.array(manifest.outside.precision))
    into.outside[places] = far > manifest.outside.bound
    for place, is_outside in zip(places, into.outside[places], strict=True):
        dice = float(into.judged.predicted[place])
        into.low[place], into.high[place] = (0.0, 1.0) if is_outside else manifest.interval.around(dice)
