"""What a single figure cannot show: confusion, ROC, risk against coverage, and calibration."""

import numpy as np

from segwatch.arrays import Floats
from segwatch.contracts.base import Contract
from segwatch.scoring.bins import COUNT, EDGES, bin_of, failed
from segwatch.statistics.binomial import exact_interval
from segwatch.statistics.resampling import Bounds
from segwatch.statistics.verdicts import Judged

TENTHS = 10


class Roc(Contract):
    """False positive rate and sensitivity as the failure score's threshold falls."""

    false_positive_rate: tuple[float, ...]
    sensitivity: tuple[float, ...]


class RiskCoverage(Contract):
    """The share of failed studies (risk) among the share trusted (coverage), as more are trusted.

    `aurc` is the mean risk over all coverages, `aurc_best` that of a scorer that knows the truth,
    `aurc_blind` of one that looks at nothing.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    aurc: float
    aurc_best: float
    aurc_blind: float


class DiceBin(Contract):
    """Of a bin of predicted Dice how many studies, the mean predicted and the mean true Dice."""

    low: float
    high: float
    n: int
    predicted: float | None
    true: float | None


class FailureGroup(Contract):
    """Of studies with like failure probabilities their mean, and the share that failed with its 95 %."""

    n: int
    predicted: float
    share: float
    share_ci: Bounds


class FailureCalibration(Contract):
    """`brier` is the mean squared error; `ece` the mean distance of probability and share over the tenths."""

    brier: float | None
    ece: float | None
    tenths: tuple[FailureGroup, ...]


def confusion(judged: Judged) -> tuple[tuple[int, ...], ...]:
    """How many studies of each true bin (row) were put into each bin (column), the worst first."""
    counts = np.zeros((COUNT, COUNT), dtype=np.int64)
    np.add.at(counts, (bin_of(judged.dice), judged.bins), 1)
    return tuple(tuple(row) for row in counts.tolist())


def roc(judged: Judged) -> Roc | None:
    """The curve of a set; None with one class only."""
    truly = failed(judged.dice)
    if truly.all() or not truly.any():
        return None
    order = np.argsort(-judged.score, kind="stable")
    score = judged.score[order]
    last = np.append(score[1:] != score[:-1], True)
    found = np.cumsum(truly[order])[last] / truly.sum()
    alarms = np.cumsum(~truly[order])[last] / (~truly).sum()
    return Roc(false_positive_rate=(0.0, *alarms.tolist()), sensitivity=(0.0, *found.tolist()))


def risk_coverage(judged: Judged) -> RiskCoverage:
    """The curve as studies are trusted, the least suspicious first.

    Studies with the same score enter in a random order: their mean is taken.
    Source: Geifman and El-Yaniv (2017), arXiv:1705.08500.
    """
    truly = failed(judged.dice).astype(np.float64)
    n = len(truly)
    order = np.argsort(judged.score, kind="stable")
    _, tie = np.unique(judged.score[order], return_inverse=True)
    shared = np.bincount(tie, weights=truly[order]) / np.bincount(tie)
    risk = _running_mean(shared[tie])
    return RiskCoverage(
        coverage=tuple((np.arange(1, n + 1) / n).tolist()),
        risk=tuple(risk.tolist()),
        aurc=float(risk.mean()),
        aurc_best=float(_running_mean(np.sort(truly)).mean()),
        aurc_blind=float(truly.mean()),
    )


def dice_calibration(judged: Judged) -> tuple[DiceBin, ...]:
    """For each bin of predicted Dice what is true of it."""
    known = ~np.isnan(judged.predicted)
    predicted, dice = judged.predicted[known], judged.dice[known]
    bounds = (0.0, *EDGES, 1.0)
    bins = bin_of(predicted)
    return tuple(
        DiceBin(
            low=bounds[number],
            high=bounds[number + 1],
            n=int((bins == number).sum()),
            predicted=_mean(predicted[bins == number]),
            true=_mean(dice[bins == number]),
        )
        for number in range(COUNT)
    )


def failure_calibration(judged: Judged) -> FailureCalibration:
    """Failure probabilities (the scores of defined studies) against the share that failed, in equal parts."""
    known = np.isfinite(judged.score)
    probability, truly = judged.score[known], failed(judged.dice[known])
    if not len(probability):
        return FailureCalibration(brier=None, ece=None, tenths=())
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, min(TENTHS, len(order))) if len(part)]
    tenths = tuple(_group(probability[part], int(truly[part].sum())) for part in parts)
    off = [tenth.n * abs(tenth.predicted - tenth.share) for tenth in tenths]
    return FailureCalibration(
        brier=float(np.mean((probability - truly) ** 2)), ece=float(sum(off) / len(order)), tenths=tenths
    )


def _group(probability: Floats, failures: int) -> FailureGroup:
    n = len(probability)
    return FailureGroup(
        n=n,
        predicted=float(probability.mean()),
        share=failures / n,
        share_ci=exact_interval(failures, n) or (0.0, 1.0),
    )


def _running_mean(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values) / np.arange(1, len(values) + 1), dtype=np.float64)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
