"""What a single figure cannot show: confusion, ROC, risk against coverage, and calibration."""

from typing import Any

import numpy as np

from segwatch.scoring.bins import COUNT, EDGES, Floats, bin_of, failed
from segwatch.statistics.binomial import exact_interval
from segwatch.statistics.figures import Judged

TENTHS = 10


def confusion(judged: Judged) -> list[list[int]]:
    """How many studies of each true bin (row) were put into each bin (column), the worst first."""
    counts = np.zeros((COUNT, COUNT), dtype=np.int64)
    np.add.at(counts, (bin_of(judged.dice), judged.bins), 1)
    rows: list[list[int]] = counts.tolist()
    return rows


def roc(judged: Judged) -> dict[str, list[float]] | None:
    """False positive rate and sensitivity as the score's threshold falls; None with one class only."""
    truly = failed(judged.dice)
    if truly.all() or not truly.any():
        return None
    order = np.argsort(-judged.score, kind="stable")
    score = judged.score[order]
    last = np.append(score[1:] != score[:-1], True)
    found = np.cumsum(truly[order])[last] / truly.sum()
    alarms = np.cumsum(~truly[order])[last] / (~truly).sum()
    return {"false_positive_rate": [0.0, *alarms.tolist()], "sensitivity": [0.0, *found.tolist()]}


def risk_coverage(judged: Judged) -> dict[str, Any]:
    """The share of failed studies among those trusted, as more are trusted, the least suspicious first.

    Studies with the same score enter in a random order: their mean is taken. `aurc` is the mean risk over all
    coverages, `aurc_best` that of a scorer that knows the truth, `aurc_blind` of one that looks at nothing.
    Source: Geifman and El-Yaniv (2017), arXiv:1705.08500.
    """
    truly = failed(judged.dice).astype(np.float64)
    n = len(truly)
    order = np.argsort(judged.score, kind="stable")
    _, tie = np.unique(judged.score[order], return_inverse=True)
    shared = np.bincount(tie, weights=truly[order]) / np.bincount(tie)
    risk = _running_mean(shared[tie])
    return {
        "coverage": (np.arange(1, n + 1) / n).tolist(),
        "risk": risk.tolist(),
        "aurc": float(risk.mean()),
        "aurc_best": float(_running_mean(np.sort(truly)).mean()),
        "aurc_blind": float(truly.mean()),
    }


def dice_calibration(judged: Judged) -> list[dict[str, Any]]:
    """For each bin of predicted Dice how many studies, the mean predicted and the mean true Dice."""
    known = ~np.isnan(judged.predicted)
    predicted, dice = judged.predicted[known], judged.dice[known]
    bounds = (0.0, *EDGES, 1.0)
    bins = bin_of(predicted)
    return [
        {
            "low": bounds[number],
            "high": bounds[number + 1],
            "n": int((bins == number).sum()),
            "predicted": _mean(predicted[bins == number]),
            "true": _mean(dice[bins == number]),
        }
        for number in range(COUNT)
    ]


def failure_calibration(judged: Judged) -> dict[str, Any]:
    """Failure probabilities (the scores of defined studies) against the share that failed.

    `tenths` are groups of equal size, with the exact 95 % interval of their share. `brier` is the mean
    squared error; `ece` the mean distance between probability and share over the groups.
    """
    known = np.isfinite(judged.score)
    probability, truly = judged.score[known], failed(judged.dice[known])
    if not len(probability):
        return {"brier": None, "ece": None, "tenths": []}
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, min(TENTHS, len(order))) if len(group)]
    tenths = [_group(probability[group], int(truly[group].sum())) for group in groups]
    off = [row["n"] * abs(row["predicted"] - row["share"]) for row in tenths]
    return {
        "brier": float(np.mean((probability - truly) ** 2)),
        "ece": float(sum(off) / len(order)),
        "tenths": tenths,
    }


def _group(probability: Floats, failures: int) -> dict[str, Any]:
    n = len(probability)
    return {
        "n": n,
        "predicted": float(probability.mean()),
        "share": failures / n,
        "share_ci": list(exact_interval(failures, n) or (0.0, 1.0)),
    }


def _running_mean(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values) / np.arange(1, len(values) + 1), dtype=np.float64)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
