"""Predictions as verdicts that can be judged: a threshold applied, undefined studies failed."""

import numpy as np

from segwatch.cohorts.table import Flags
from segwatch.scoring.bins import Floats, bin_of
from segwatch.scoring.predict import Predictions
from segwatch.statistics.figures import Judged


def all_undefined(dice: Floats) -> Judged:
    """Every study (n,) as an undefined one; what is defined is filled in."""
    n = len(dice)
    return Judged(
        dice=dice,
        bins=np.zeros(n, dtype=np.int64),
        predicted=np.full(n, np.nan),
        flagged=np.ones(n, dtype=np.bool_),
        score=np.full(n, np.inf),
    )


def fill(judged: Judged, there: Flags, predicted: Predictions, threshold: float) -> None:
    """Put the predictions of the rows `there` (n,) in; the bin is that of the predicted Dice."""
    judged.bins[there] = bin_of(predicted.dice)
    judged.predicted[there] = predicted.dice
    judged.flagged[there] = predicted.failure >= threshold
    judged.score[there] = predicted.failure


def judged(dice: Floats, predicted: Predictions, threshold: float) -> Judged:
    """The verdicts on studies of true Dice (n,), all of them defined."""
    made = all_undefined(dice)
    fill(made, np.ones(len(dice), dtype=np.bool_), predicted, threshold)
    return made
