"""What a second opinion of which Dice is worth to a scorer, on patients left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.trials import left_out_dice
from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import failed
from segwatch.statistics.figures import auroc, mae
from segwatch.statistics.resampling import (
    RESAMPLES,
    Bounds,
    figures_of_resamples,
    patient_weights,
    percentiles,
)
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set

MODEL, WITH, WITHOUT = "boost", "any-hand-opinion", "any-hand"
SENSITIVITY = 0.9
FOLDS = 13
NONE = "none"


@dataclass(frozen=True)
class CurvePoint:
    """A scorer with an opinion, on rows of patients left out.

    Attributes:
        name: of the opinion; `none` is the scorer without.
        dice: the opinion's own, with the scans' truths.
        auroc, mae: of the scorer. specificity: at the threshold that finds 90 % of the failures.
        gain: in AUROC over none, with its 95 % interval over patients.
    """

    name: str
    dice: float | None
    n: int
    auroc: float
    specificity: float
    mae: float
    gain: float
    gain_interval: Bounds | None


def curve(opinions: Mapping[str, Cohort], dice: Mapping[str, float]) -> list[CurvePoint]:
    """A point without opinion, and one for each, on the rows that all of them can score."""
    first = next(iter(opinions.values()))
    defined = np.all([each.select(feature_set(WITH).features).defined for each in opinions.values()], axis=0)
    plain = _judged(first.rows(defined), WITHOUT)
    points = [_point(NONE, None, plain, plain, first.rows(defined))]
    for name, cohort in opinions.items():
        rows = cohort.rows(defined)
        points.append(_point(name, dice[name], _judged(rows, WITH), plain, rows))
    return points


def _judged(rows: Cohort, features: str) -> Judged:
    predicted = left_out_dice(rows, rows, MODEL, feature_set(features), FOLDS)
    return Judged.by_dice(rows.dice, predicted)


def _point(name: str, dice: float | None, judged: Judged, plain: Judged, rows: Cohort) -> CurvePoint:
    weights = patient_weights(rows.patients, np.random.default_rng(0), RESAMPLES)
    drawn = _aurocs(judged, weights) - _aurocs(plain, weights)
    return CurvePoint(
        name=name,
        dice=dice,
        n=len(rows),
        auroc=auroc(judged) or float("nan"),
        specificity=_specificity(judged),
        mae=mae(judged) or float("nan"),
        gain=(auroc(judged) or float("nan")) - (auroc(plain) or float("nan")),
        gain_interval=percentiles(drawn),
    )


def _aurocs(judged: Judged, weights: Floats) -> Floats:
    return figures_of_resamples(judged, weights)["auroc"]


def _specificity(judged: Judged) -> float:
    """At the highest threshold of the score that finds 90 % of the failures of the same rows."""
    truly = failed(judged.dice)
    found_first = np.sort(judged.score[truly])[::-1]
    threshold = found_first[int(np.ceil(SENSITIVITY * len(found_first))) - 1]
    return float((judged.score[~truly] < threshold).mean())


def page(points: Sequence[CurvePoint], best: str, masks: int) -> str:
    """The curve as Markdown; `best` is the network itself."""
    names = ("opinion", "its Dice", "AUROC", "gain", "specificity at sensitivity .90", "MAE")
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    body = "".join(_row(point, best) for point in points)
    return f"{points[0].n} of {masks} masks have all features.\n\n{head}{body}"


def _row(point: CurvePoint, best: str) -> str:
    name = f"**{point.name}: the network**" if point.name == best else point.name
    dice = "" if point.dice is None else f"{point.dice:.2f}"
    interval = point.gain_interval
    gain = (
        ""
        if point.dice is None or interval is None
        else (f"{point.gain:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]")
    )
    figures = f"{point.auroc:.3f} | {gain} | {point.specificity:.2f} | {point.mae:.3f}"
    return f"| {name} | {dice} | {figures} |\n"
