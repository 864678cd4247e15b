"""How good predictions are, as pure functions of truth and prediction.

Rows are studies (n,). An undefined study is predicted failed, falls into the lowest bin, has no predicted
Dice (NaN) and the highest failure score (infinity): docs/architecture.md, rule 6. A figure that a set cannot
give, such as the sensitivity without a failed case, is None.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from segwatch.arrays import Flags, Floats
from segwatch.scoring.bins import COUNT, bin_of, failed
from segwatch.statistics.verdicts import Judged

Figures = dict[str, float | None]


def figures(judged: Judged) -> Figures:
    """Every figure of a set, under the names of the report."""
    return {name: compute(judged) for name, compute in FIGURES.items()}


def counts(judged: Judged) -> dict[str, int]:
    """How many studies, failed ones, failed ones found, and undefined ones."""
    truly = failed(judged.dice)
    return {
        "n": len(judged),
        "failed": int(truly.sum()),
        "found": int((judged.flagged & truly).sum()),
        "n_undefined": int(np.isnan(judged.predicted).sum()),
    }


def sensitivity(judged: Judged) -> float | None:
    """The share of failed studies that are predicted failed."""
    return _share(judged.flagged[failed(judged.dice)])


def binary_specificity(judged: Judged) -> float | None:
    """The share of good studies that are not predicted failed."""
    return _share(~judged.flagged[~failed(judged.dice)])


def ppv(judged: Judged) -> float | None:
    """The share of studies predicted failed that are."""
    return _share(failed(judged.dice)[judged.flagged])


def accuracy(judged: Judged) -> float | None:
    """The share of studies whose predicted bin is the true one."""
    return _share(judged.bins == bin_of(judged.dice))


def bin_specificity_micro(judged: Judged) -> float | None:
    """The paper's "specificity averaged over five bins": one against the rest, counts summed over bins.

    Each wrong prediction is one false positive among 4 n negatives, so it is 0.75 + accuracy / 4 and never
    below 0.75, whatever the scorer.
    """
    true = bin_of(judged.dice)
    right = sum(int(((judged.bins != number) & (true != number)).sum()) for number in range(COUNT))
    negatives = sum(int((true != number).sum()) for number in range(COUNT))
    return right / negatives if negatives else None


def auroc(judged: Judged) -> float | None:
    """The chance that a failed study has a higher failure score than a good one; ties count half."""
    truly = failed(judged.dice)
    positives, negatives = int(truly.sum()), int((~truly).sum())
    if not positives or not negatives:
        return None
    ranks = float(rankdata(judged.score)[truly].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def mae(judged: Judged) -> float | None:
    """Mean absolute error of the predicted Dice, over studies that have one."""
    errors = _errors(judged)
    return float(errors.mean()) if len(errors) else None


def mae_std(judged: Judged) -> float | None:
    """Standard deviation of the absolute errors."""
    errors = _errors(judged)
    return float(errors.std()) if len(errors) else None


FIGURES = {
    "sensitivity": sensitivity,
    "bin_specificity_micro": bin_specificity_micro,
    "mae": mae,
    "mae_std": mae_std,
    "binary_specificity": binary_specificity,
    "ppv": ppv,
    "auroc": auroc,
    "accuracy": accuracy,
}


def constants(dice: Floats, train_dice: Floats) -> Mapping[str, Judged]:
    """What two scorers that look at nothing make of a set: the bar that every figure has to clear.

    `constant mean` predicts the training set's mean Dice, `all flagged` the lowest bin's middle.
    """
    values = {"constant mean": float(train_dice.mean()), "all flagged": 0.1}
    return {name: Judged.by_dice(dice, np.full(len(dice), value)) for name, value in values.items()}


def _share(flags: Flags) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _errors(judged: Judged) -> Floats:
    errors = np.abs(judged.predicted - judged.dice)
    return np.asarray(errors[~np.isnan(errors)], dtype=np.float64)
