"""What error the scorer must expect of itself, learnt from its errors on patients and segmenters left out.

A distance to the training cohort says little of where a scorer errs: a mask can measure like many good ones
and be bad. Its own errors say more. They are learnt from by a line, which is little enough for few patients,
and the line is kept only where it follows the errors of patients that it was not fitted on.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from segwatch.arrays import Floats, Integers
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import COUNT, bin_of
from segwatch.scoring.outside import doubt_columns
from segwatch.scoring.predict import Kind, raw_output
from segwatch.scoring.region import Doubt
from segwatch.training.models import ModelRecipe, fit, splits

QUANTILE = 0.9
"""So many of the studies of patients left out are within the bound."""
LEAST_FOLLOWED = 0.1
"""The rank correlation with the errors of patients left out that a doubt must have."""
LIMIT = 3.0
"""Standard deviations at which a column is cut: a line must not run away."""
PENALTY = 1.0


def fit_doubt(rows: Cohort, said: Sequence[Floats], folds: Integers) -> Doubt | None:
    """The line, and the bound that the given share of the rows keeps to when held out.

    Args:
        rows: with what the model reads (n, t).
        said: their Dice (n,) as predicted without patient; once more without segmenter, where that is known.
        folds: whole patients (n,).

    Returns:
        None where what it expects of patients left out does not follow their errors.
    """
    dice = np.concatenate(said)
    errors = np.abs(np.tile(rows.dice, len(said)) - dice)
    values, each_fold = np.tile(rows.values, (len(said), 1)), np.tile(folds, len(said))
    expected = np.empty(len(dice))
    for learn, left_out in splits(each_fold):
        read = _columns(values, values[learn], dice)
        expected[left_out] = Ridge(PENALTY).fit(read[learn], errors[learn]).predict(read[left_out])
    followed = spearmanr(expected, errors).statistic
    if not followed >= LEAST_FOLLOWED:
        return None
    line = Ridge(PENALTY).fit(_columns(values, values, dice), errors)
    return Doubt(
        quantile=QUANTILE,
        bound=float(np.quantile(expected, QUANTILE, method="higher")),
        followed=float(followed),
        limit=LIMIT,
        weights=tuple(line.coef_.tolist()),
        intercept=float(line.intercept_),
    )


def predicted_for_strangers(
    recipe: ModelRecipe, rows: Cohort, folds: Integers, seed: int, directions: tuple[int, ...]
) -> Floats:
    """What models say of each row that saw neither its patient nor its segmenter, as `raw_output` gives it.

    A segmenter without whose masks nothing can be learnt is not left out.
    """
    out = np.empty((len(rows), COUNT if recipe.kind == "classifier" else 1))
    makers = rows.segmenters if rows.segmenters is not None else np.full(len(rows), "")
    for others, left_out in splits(folds):
        for maker in np.unique(makers[left_out]):
            asked = left_out & (makers == maker)
            learn = others & (makers != maker)
            if not _can_learn(rows.dice[learn], recipe.kind):
                learn = others
            model = fit(recipe, rows.values[learn], rows.dice[learn], seed, directions)
            out[asked] = raw_output(model, recipe.kind, rows.values[asked])
    return out


def has_segmenters(rows: Cohort) -> bool:
    """Whether the rows are by more than one segmenter, known by name."""
    return rows.segmenters is not None and len(np.unique(rows.segmenters)) > 1


def _can_learn(dice: Floats, kind: Kind) -> bool:
    return len(dice) > 0 and (kind == "regressor" or len(np.unique(bin_of(dice))) > 1)


def _columns(values: Floats, known: Floats, said: Floats) -> Floats:
    mean, sd = known.mean(axis=0), known.std(axis=0)
    return doubt_columns((values - mean) / np.where(sd > 0, sd, 1.0), said, LIMIT)
