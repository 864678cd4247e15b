"""The share of studies that need attention, from noised counts, with an interval that knows the noise.

The interval is Clopper and Pearson's, with the noise in the likelihood: the observed sum is Y = X + Z, where
X is binomial (n studies, share p) and Z the sum of the pulses' discrete Laplace noises. The interval holds
every p for which neither P(Y ≥ y) nor P(Y ≤ y) is below 2.5 %. Both are computed from exact masses, so the
coverage is at least 95 % whatever p is, as far as the studies are independent with one share.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from segwatch.arrays import Floats
from segwatch.federation.noise_mass import mass_of_sum

TAIL = 0.025
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """A site's rolling share.

    Attributes:
        count: the noised number that needed attention: may be negative or above `studies`.
        studies: how many the window holds.
        low, high: the 95 % interval of the share.
    """

    count: int
    studies: int
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """The share, clamped to 0 to 1 for display."""
        return self.shown_count / self.studies

    @property
    def shown_count(self) -> int:
        """The count, clamped to 0 to `studies` for display."""
        return min(max(self.count, 0), self.studies)


def share_of(counts: Sequence[int], sizes: Sequence[int], epsilons: Sequence[float]) -> Share:
    """The share over a window of pulses.

    Args:
        counts: the pulses' noised counts.
        sizes: how many studies each holds.
        epsilons: of each count; its noise has the scale 1/epsilon. None at all is no noise.
    """
    count, studies = sum(counts), sum(sizes)
    low, high = _interval(count, studies, tuple(sorted(1 / epsilon for epsilon in epsilons)))
    return Share(count, studies, low, high)


@lru_cache(maxsize=1024)
def _interval(count: int, studies: int, scales: tuple[float, ...]) -> tuple[float, float]:
    mass = mass_of_sum(scales)
    at_least, at_most = _noise_tails(count, studies, mass)
    logs = _log_choose(studies)
    low = _first(lambda p: float(_binomial(p, logs) @ at_least) >= TAIL)
    high = 1.0 - _first(lambda q: float(_binomial(1.0 - q, logs) @ at_most) >= TAIL)
    return low, max(low, high)


def _noise_tails(count: int, studies: int, mass: Floats) -> tuple[Floats, Floats]:
    """P(Z ≥ count - x) and P(Z ≤ count - x) for every x from 0 to `studies`."""
    half = len(mass) // 2
    up_to = np.concatenate(([0.0], np.cumsum(mass)))
    needed = count - np.arange(studies + 1) + half
    below = up_to[np.clip(needed, 0, len(mass))]
    through = up_to[np.clip(needed + 1, 0, len(mass))]
    return 1.0 - below, through


def _log_choose(n: int) -> Floats:
    factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    return np.asarray(factorials[n] - factorials - factorials[::-1])


def _binomial(p: float, logs: Floats) -> Floats:
    """The binomial's mass for every number from 0 to n."""
    n = len(logs) - 1
    if p in (0.0, 1.0):
        mass = np.zeros(n + 1)
        mass[n if p else 0] = 1.0
        return mass
    x = np.arange(n + 1)
    return np.asarray(np.exp(logs + x * math.log(p) + (n - x) * math.log1p(-p)))


def _first(holds: Callable[[float], bool]) -> float:
    """The smallest p in 0 to 1 from which on `holds` is true; 1 where it never is."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
