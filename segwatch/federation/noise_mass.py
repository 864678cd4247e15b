"""The exact probability mass of a sum of independent discrete Laplace noises."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from segwatch.arrays import Floats
from segwatch.statistics.laplace import decay

LOST_MASS = 1e-14


@lru_cache(maxsize=256)
def mass_of_sum(scales: tuple[float, ...]) -> Floats:
    """P(Z = z) for z from -h to h, of the sum Z of discrete Laplace noises with these scales.

    By the characteristic function, (1-a)²/(1-2a·cos t+a²) with a its decay for each noise: their
    product on a grid of frequencies is the transform of the sum's mass wrapped round the grid, which is so
    wide that what wraps is below LOST_MASS times a few. The smallest epsilon that a policy may have keeps
    the grid below 1.3 million points for a thousand pulses.
    """
    half = _half_width(scales)
    points = 2 * half + 1
    angles = 2 * math.pi * np.fft.rfftfreq(points)
    transform = np.ones_like(angles)
    for scale in scales:
        a = decay(scale)
        transform *= (1 - a) ** 2 / (1 - 2 * a * np.cos(angles) + a**2)
    wrapped = np.fft.irfft(transform, points)
    return np.clip(np.fft.fftshift(wrapped), 0.0, None)


def _half_width(scales: Sequence[float]) -> int:
    """Chernoff's bound at half the rate of the widest noise: beyond it lies less than LOST_MASS."""
    if not scales:
        return 0
    rate = 0.5 / max(scales)
    log_moment = sum(_log_moment(scale, rate) for scale in scales)
    return math.ceil((log_moment - math.log(LOST_MASS)) / rate)


def _log_moment(scale: float, rate: float) -> float:
    """log E exp(rate·Z)."""
    a = decay(scale)
    return 2 * math.log1p(-a) - math.log1p(-a * math.exp(rate)) - math.log1p(-a * math.exp(-rate))
