"""The paper's protocol: what a model makes of studies when nothing is calibrated.

A classifier's bin is its argmax, a regressor's its clipped prediction binned; failed is a bin among the
three lowest. Predicted Dice is a classifier's probability-weighted mean of the bins' midpoints, or a
regressor's clipped prediction. An undefined study is failed, in the lowest bin, and has no predicted Dice.
"""

from typing import Any

import numpy as np

from segwatch.cohorts.table import Flags
from segwatch.scoring.bins import COUNT, FAILED_BINS, Floats, expected_dice, failure_mass
from segwatch.scoring.predict import clipped_dice, raw_bins
from segwatch.statistics.figures_of_resamples import Made
from segwatch.training.models import ModelRecipe, protocol_bins


def empty(n: int, resamples: int = 1) -> Made:
    """n studies as undefined ones; what is defined is filled in."""
    shape = (resamples, n)
    return Made(
        bins=np.zeros(shape, dtype=np.int64),
        predicted=np.full(shape, np.nan),
        flagged=np.ones(shape, dtype=np.bool_),
        score=np.full(shape, np.inf),
        authors=np.full(shape, np.nan),
    )


def fill(made: Made, resample: int, where: Any, recipe: ModelRecipe, model: Any, values: Floats) -> None:  # noqa: ANN401 - an index of numpy, and scikit-learn carries no types
    """Fill in one resample's studies, which have the features (m, f)."""
    if not len(values):
        return
    at = (resample, where)
    bins = protocol_bins(recipe, model, values)
    made.bins[at], made.flagged[at] = bins, bins < FAILED_BINS
    if recipe.kind == "classifier":
        shares = raw_bins(model, values)
        made.predicted[at], made.score[at] = expected_dice(shares), failure_mass(shares)
        made.authors[at] = authors_dice(bins)
    else:
        dice = clipped_dice(model, values)
        made.predicted[at], made.score[at] = dice, -dice
        made.authors[at] = model.predict(values)


def fill_shares(made: Made, resample: Any, where: Flags, shares: Floats) -> None:  # noqa: ANN401 - an index of numpy
    """Fill in a classifier's studies from its bins' probabilities (..., m, 5)."""
    bins = shares.argmax(axis=-1)
    made.bins[resample, where], made.flagged[resample, where] = bins, bins < FAILED_BINS
    made.predicted[resample, where] = expected_dice(shares)
    made.score[resample, where] = np.clip(shares[..., :FAILED_BINS].sum(axis=-1), 0.0, 1.0)
    made.authors[resample, where] = authors_dice(bins)


def authors_dice(bins: Any) -> Floats:  # noqa: ANN401 - numpy's argmax
    """The Dice that the authors' code gives a class of 1 to 5, (class - 1) / 4, from bins 0 to 4.

    A regressor's is its prediction as it is, not clipped. Source: `get_float` in MECLabTUDA/QA_Seg.
    """
    return np.asarray(bins, dtype=np.float64) / (COUNT - 1)
