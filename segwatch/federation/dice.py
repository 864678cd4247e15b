"""The mean predicted Dice, derived from a portrait's noised histogram by its bins' midpoints.

The mean is a ratio of two noised sums, so its interval is Fieller's: all r for which the sum of
(midpoint - r)·cell is within 1.96 of its standard deviations of zero. The variance of each cell is the
noise's plus the sampling's (the cell itself, as for a Poisson count; given their number it is the
multinomial's). It is an interval of the midpoints' mean: the mean of the predictions themselves may be up to
half a bin (0.1) away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from segwatch.contracts.quality import BIN_MIDPOINTS, BINS, HISTOGRAM_SENSITIVITY
from segwatch.statistics.laplace import variance

Z = 1.959964


@dataclass(frozen=True, slots=True)
class MeanDice:
    """A mean predicted Dice with its 95 % interval; the mean is None where the noise leaves none to show."""

    mean: float | None
    low: float
    high: float


def mean_dice(histogram: Sequence[int], epsilon: float) -> MeanDice:
    """The mean over the studies that have a predicted Dice and lie within what the scorer knows.

    Args:
        histogram: a portrait's seven noised cells; the first five are the bins.
        epsilon: the histogram's.
    """
    bins = histogram[:BINS]
    noise = variance(HISTOGRAM_SENSITIVITY / epsilon)
    weights = [max(cell, 0) + noise for cell in bins]
    total, moment = sum(bins), _dot(1, bins)
    a = total**2 - Z**2 * sum(weights)
    b = total * moment - Z**2 * _dot(1, weights)
    c = moment**2 - Z**2 * _dot(2, weights)
    discriminant = b**2 - a * c
    mean = _clamp(moment / total) if total > 0 else None
    if a <= 0 or discriminant < 0 or total <= 0:
        return MeanDice(mean, BIN_MIDPOINTS[0], BIN_MIDPOINTS[-1])
    root = math.sqrt(discriminant)
    return MeanDice(mean, _clamp((b - root) / a), _clamp((b + root) / a))


def bin_ratios(histogram: Sequence[int], k: int) -> list[float]:
    """Each cell's share of the block's k studies, clamped to 0 to 1 for display."""
    return [min(max(cell / k, 0.0), 1.0) for cell in histogram]


def _dot(power: int, values: Sequence[float]) -> float:
    return sum(midpoint**power * value for midpoint, value in zip(BIN_MIDPOINTS, values, strict=True))


def _clamp(mean: float) -> float:
    return min(max(mean, BIN_MIDPOINTS[0]), BIN_MIDPOINTS[-1])
