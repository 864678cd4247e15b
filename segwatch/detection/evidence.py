"""The state of the procedure, and its one step. Everything is in natural logarithms: nothing overflows."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from segwatch.arrays import Floats
from segwatch.detection.grid import BASELINES, LOG_PRIOR, RAISED, RISES
from segwatch.detection.likelihood import Likelihood

DISPERSION = 1.25
"""By how much the variance of real counts exceeds the model's: patients repeat, weekends differ."""
LOG_RISES = math.log(len(RISES))
COVERAGE = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the observations so far say, of one stream or of several on leading axes.

    Attributes:
        stable: log weight of each baseline without a change (…, n); the weights sum to one.
        changed: log weight of each baseline and rise with a change that has begun (…, n, m).
    """

    stable: Floats
    changed: Floats

    @classmethod
    def start(cls, streams: tuple[int, ...] = ()) -> Self:
        """Before the first observation."""
        return cls(
            np.broadcast_to(LOG_PRIOR, (*streams, *LOG_PRIOR.shape)),
            np.full((*streams, *RAISED.shape), -np.inf),
        )

    def after(self, seen: Likelihood, dispersion: float = DISPERSION) -> "Evidence":
        """The state after the next observation.

        Args:
            seen: the observation.
            dispersion: the likelihood is tempered to the power 1/dispersion.
        """
        stable = self.stable + seen.stable / dispersion
        begun = np.logaddexp(self.changed, self.stable[..., None] - LOG_RISES)
        changed = begun + seen.raised / dispersion
        total = np.logaddexp.reduce(stable, axis=-1)
        return Evidence(stable - total[..., None], changed - total[..., None, None])

    @property
    def log10(self) -> Floats:
        """The logarithm to base 10 of the evidence that a change has begun (…); minus infinity at first."""
        return np.asarray(np.logaddexp.reduce(self.changed, axis=(-2, -1)) / math.log(10))

    def acknowledged(self) -> "Evidence":
        """The same baseline; what spoke for a change is forgotten."""
        return Evidence(self.stable, np.full_like(self.changed, -np.inf))

    def baseline(self) -> "Rate":
        """The share if nothing had changed, with its 90 % interval. Of one stream."""
        weights = np.exp(self.stable)
        up_to = np.cumsum(weights)
        tail = (1 - COVERAGE) / 2
        low, high = (int(np.searchsorted(up_to, share)) for share in (tail, 1 - tail))
        last = len(BASELINES) - 1
        return Rate(float(weights @ BASELINES), float(BASELINES[low]), float(BASELINES[min(high, last)]))

    def before_and_since(self) -> tuple[float, float] | None:
        """The share before the change and since, given that there is one; None before any evidence."""
        top = float(self.changed.max())
        if math.isinf(top):
            return None
        weights = np.exp(self.changed - top)
        weights /= weights.sum()
        return float(weights.sum(axis=1) @ BASELINES), float((weights * RAISED).sum())


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 90 % interval."""

    mean: float
    low: float
    high: float
