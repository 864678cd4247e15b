"""Since when: the posterior over the first changed observation, from the observations themselves."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Floats
from segwatch.detection.evidence import COVERAGE, LOG_RISES, Evidence
from segwatch.detection.likelihood import Likelihood

MOST = 2000
"""A change is found within hundreds of observations; one that began before so many is only called older."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """When the change began, as numbers of observations since the watch began, from 0.

    Attributes:
        median: the first changed observation is as likely before it as behind it.
        low, high: its 90 % interval. Where that may lie before what is remembered, `low` is the first
            that is.
    """

    median: int
    low: int
    high: int


class Recent:
    """The last observations, and the evidence before the first of them."""

    def __init__(self, before: Evidence, first: int) -> None:
        self.first = first
        self._before = before
        self._seen: deque[Likelihood] = deque()

    def copy(self) -> "Recent":
        """Another that goes on from here by itself."""
        other = Recent(self._before, self.first)
        other._seen = self._seen.copy()
        return other

    def add(self, seen: Likelihood, dispersion: float) -> None:
        """Remember the next observation; the oldest is folded away where there are too many."""
        self._seen.append(seen)
        if len(self._seen) > MOST:
            self._before = self._before.after(self._seen.popleft(), dispersion)
            self.first += 1

    def posterior(self, dispersion: float) -> Floats:
        """The chance of each beginning, given a change: an older one, then each observation (r + 1,)."""
        stable = np.array([one.stable for one in self._seen]) / dispersion
        raised = np.array([one.raised for one in self._seen]) / dispersion
        weights = self._before.stable + np.concatenate([0 * stable[:1], np.cumsum(stable, axis=0)[:-1]])
        to_the_end = np.cumsum(raised[::-1], axis=0)[::-1]
        begun = weights[..., None] - LOG_RISES + to_the_end
        older = self._before.changed + to_the_end[0]
        logs = np.logaddexp.reduce(np.concatenate([older[None], begun]), axis=(1, 2))
        chances = np.exp(logs - logs.max())
        return np.asarray(chances / chances.sum())

    def beginning(self, dispersion: float) -> Beginning | None:
        """When the change began, if there is one; None before the first observation."""
        if not self._seen:
            return None
        up_to = np.cumsum(self.posterior(dispersion))
        tail = (1 - COVERAGE) / 2
        low, median, high = (self._at(int(np.searchsorted(up_to, share))) for share in (tail, 0.5, 1 - tail))
        return Beginning(median, low, high)

    def _at(self, place: int) -> int:
        return self.first + min(max(place - 1, 0), len(self._seen) - 1)
