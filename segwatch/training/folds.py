"""Cross-validation in which no patient is on both sides."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from segwatch.cohorts.table import Cohort, Flags
from segwatch.scoring.bins import COUNT, Floats, failed
from segwatch.scoring.predict import raw_output
from segwatch.training.models import ModelRecipe, fit

FOLDS = 10


def patient_folds(cohort: Cohort, seed: int, most: int = FOLDS) -> NDArray[np.int64]:
    """The fold (n,) of each row: whole patients, dealt out by their share of failures.

    Dealing in that order keeps failures and successes on both sides of every fold, as long as two patients
    have each. With fewer patients than `most`, each is a fold of its own.
    """
    names, rows = np.unique(cohort.patients, return_inverse=True)
    share = np.bincount(rows, weights=failed(cohort.dice)) / np.bincount(rows)
    order = np.lexsort((np.random.default_rng(seed).random(len(names)), share))
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % min(most, len(names))
    return np.asarray(fold[rows], dtype=np.int64)


def splits(folds: NDArray[np.int64]) -> Iterator[tuple[Flags, Flags]]:
    """For each fold the rows to learn from and the rows to predict, both (n,)."""
    for number in range(int(folds.max()) + 1):
        held_out = folds == number
        yield ~held_out, held_out


def predicted_out_of_fold(
    recipe: ModelRecipe, cohort: Cohort, folds: NDArray[np.int64], seed: int, directions: Sequence[int] = ()
) -> Floats:
    """What models that never saw the patient say of each row.

    A classifier's raw bins (n, 5); a regressor's clipped Dice (n, 1).
    """
    out = np.empty((len(cohort), COUNT if recipe.kind == "classifier" else 1))
    for learn, held_out in splits(folds):
        model = fit(recipe, cohort.values[learn], cohort.dice[learn], seed, directions)
        out[held_out] = raw_output(model, recipe.kind, cohort.values[held_out])
    return out
