"""Outcomes of trials that are kept, so that a run that was stopped goes on where it was."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.identity import digest_of
from services.evaluation.cohort import Cohort
from services.evaluation.evidence.trials import Outcome, Trial, outcome
from services.evaluation.feature_sets import feature_set
from services.evaluation.leave_out import LeftOut
from services.evaluation.metrics import Judged

_PARTS = ("bins", "predicted", "flagged", "score")


def kept_outcome(trial: Trial, cohort: Cohort, external: Cohort, folder: Path) -> Outcome:
    """The trial's outcome on these rows: read where it was kept, else computed and kept."""
    read = repr(feature_set(trial.features))
    made_from = digest_of([trial.model, read, cohort.sha256(), external.sha256()])[:16]
    path = folder / f"evidence-{trial.model}-{trial.features}-{made_from}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            arrays = dict(kept)
        there = _left_out(arrays, "there", external) if "there-low" in arrays else None
        return Outcome(trial, _left_out(arrays, "here", cohort), there)
    found = outcome(trial, cohort, external)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{path.name}"
    arrays = _arrays("here", found.here) | ({} if found.there is None else _arrays("there", found.there))
    np.savez_compressed(beside, **arrays)
    beside.replace(path)
    return found


def _arrays(name: str, left_out: LeftOut) -> dict[str, NDArray[Any]]:
    parts = {part: getattr(left_out.judged, part) for part in _PARTS}
    parts |= {"low": left_out.low, "high": left_out.high, "outside": left_out.outside}
    return {f"{name}-{part}": array for part, array in parts.items()}


def _left_out(arrays: dict[str, NDArray[Any]], name: str, rows: Cohort) -> LeftOut:
    judged = Judged(rows.dice, *(arrays[f"{name}-{part}"] for part in _PARTS))
    return LeftOut(judged, *(arrays[f"{name}-{part}"] for part in ("low", "high", "outside")))
