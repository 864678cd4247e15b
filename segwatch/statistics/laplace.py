"""Discrete Laplace noise: for whole z, P(Z = z) falls by exp(-1/scale) with every step away from zero."""

import math


def decay(scale: float) -> float:
    """By what factor the mass falls with a step away from zero."""
    return math.exp(-1 / scale)


def mass(z: int, scale: float) -> float:
    """P(Z = z)."""
    a = decay(scale)
    return (1 - a) / (1 + a) * a ** abs(z)


def mass_up_to(z: int, scale: float) -> float:
    """P(Z ≤ z)."""
    a = decay(scale)
    tail = a ** (-z if z < 0 else z + 1) / (1 + a)
    return tail if z < 0 else 1 - tail


def variance(scale: float) -> float:
    """The noise's variance."""
    a = decay(scale)
    return 2 * a / (1 - a) ** 2


def reach(beyond: float, scale: float) -> int:
    """The smallest r for which P(|Z| > r) is at most `beyond`."""
    a = decay(scale)
    return max(0, math.ceil(math.log(beyond * (1 + a) / 2) / math.log(a)) - 1)
