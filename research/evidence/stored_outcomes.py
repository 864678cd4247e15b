"""Outcomes of trials on disk, so that a run that was stopped goes on where it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from research.evidence.trials import Outcome, Trial, outcome
from segwatch.cohorts.table import Cohort
from segwatch.contracts.identity import digest_of
from segwatch.files import Arrays, finished_arrays
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set
from segwatch.training.leave_patient_out import LeftOut

_JUDGED = ("bins", "predicted", "flagged", "score", "authors")
_INTERVALS = ("low", "high", "outside")
_ALONE = ("effective", "learnt_mae", "learnt_error")


def stored_outcome(trial: Trial, cohort: Cohort, external: Cohort | None, folder: Path) -> Outcome:
    """The trial's outcome on these rows: read where it was stored, else computed and stored."""
    read = repr(feature_set(trial.features))
    rows = [cohort.sha256(), None if external is None else external.sha256()]
    made_from = digest_of([trial.model, read, trial.target, *rows, [*_JUDGED, *_INTERVALS, *_ALONE]])[:16]
    finished = finished_arrays(folder)
    key = f"evidence-{trial.model}-{trial.features}-{made_from}"
    arrays = finished.get(key)
    if arrays is not None:
        there = None if external is None else _left_out(arrays, "there", external)
        return Outcome(_left_out(arrays, "here", cohort), there)
    found = outcome(trial, cohort, external)
    beyond = {} if found.there is None else dict(_arrays("there", found.there))
    finished.put(key, dict(_arrays("here", found.here)) | beyond)
    return found


def _arrays(name: str, left_out: LeftOut) -> Iterator[tuple[str, NDArray[Any]]]:
    for part, names in (("judged", _JUDGED), ("intervals", _INTERVALS), ("weighted", _INTERVALS)):
        yield from ((f"{name}-{part}-{each}", getattr(getattr(left_out, part), each)) for each in names)
    yield from ((f"{name}-{each}", getattr(left_out, each)) for each in _ALONE)


def _left_out(arrays: Arrays, name: str, rows: Cohort) -> LeftOut:
    judged = Judged(rows.dice, *(arrays[f"{name}-judged-{each}"] for each in _JUDGED))
    plain, weighted = (
        DiceIntervals(*(arrays[f"{name}-{part}-{each}"] for each in _INTERVALS))
        for part in ("intervals", "weighted")
    )
    return LeftOut(judged, plain, weighted, *(arrays[f"{name}-{each}"] for each in _ALONE))
