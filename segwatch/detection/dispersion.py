"""How much more real counts vary than the model says: what the tempering pays for, measured.

Sums of five pulses are held against each other in turn: half the squared difference of two neighbours is
their variance where the share is the same, and a share that changes for good adds to one pair only (von
Neumann, 1941).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Floats

PULSES = 5


@dataclass(frozen=True, slots=True)
class Counted:
    """One pulse: its noised count, how many studies it holds, and its noise's variance."""

    count: int
    k: int
    noise: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What pairs of neighbouring sums add up to.

    Attributes:
        squares: half the squared differences, each over the variance that the model gives it.
        pairs: how many there are.
    """

    squares: float = 0.0
    pairs: int = 0

    def __add__(self, other: "Spread") -> "Spread":
        return Spread(self.squares + other.squares, self.pairs + other.pairs)

    @property
    def dispersion(self) -> float | None:
        """The measured dispersion; None without a pair."""
        return self.squares / self.pairs if self.pairs else None


class SpreadSoFar:
    """Of one site's pulses, taken in their order: years of them are not gone through again for the next one.

    Attributes:
        spread: of those that were taken.
    """

    def __init__(self) -> None:
        self.spread = Spread()
        self._open: list[Counted] = []
        self._last: Floats | None = None

    def take(self, pulse: Counted) -> None:
        """The next pulse."""
        self._open.append(pulse)
        if len(self._open) < PULSES:
            return
        found = _sum(self._open)
        if self._last is not None:
            self.spread += Spread(_pair(self._last, found), 1)
        self._open, self._last = [], found


def spread_of(pulses: Iterable[Counted]) -> Spread:
    """Of one site's pulses in their order."""
    so_far = SpreadSoFar()
    for pulse in pulses:
        so_far.take(pulse)
    return so_far.spread


def _sum(pulses: Iterable[Counted]) -> Floats:
    """Count, studies and noise of several pulses (3,)."""
    each = np.array([[pulse.count, pulse.k, pulse.noise] for pulse in pulses], dtype=np.float64)
    return np.asarray(each.sum(axis=0))


def _pair(one: Floats, other: Floats) -> float:
    """The squared difference of two shares over its variance under one common share."""
    count, studies = (one + other)[:2]
    share = min(max(count / studies, 1 / studies), 1 - 1 / studies)
    variance = (
        share * (1 - share) * (1 / one[1] + 1 / other[1]) + one[2] / one[1] ** 2 + other[2] / other[1] ** 2
    )
    return float((one[0] / one[1] - other[0] / other[1]) ** 2 / variance)
