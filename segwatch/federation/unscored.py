"""Of what comes at a site, the share that got no score: refused at intake, or given up by a later stage.

Noised numbers of examinations beside the studies that were counted meanwhile. The interval is of the noise:
the true number in the window lies in it with 95 % at least, by the noise's exact mass. It is no estimate of
a rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwatch.federation.noise_mass import mass_of_sum

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class UnscoredShare:
    """Of a window of pulses.

    Attributes:
        count: the noised number of examinations without a score: may be negative.
        studies: how many were counted in the same time.
        reach: how far the true number may be from `count`.
    """

    count: int
    studies: int
    reach: int

    @property
    def ratio(self) -> float:
        """The share of all that came; of what is shown, so never below 0."""
        return self._share(self.count)

    @property
    def low(self) -> float:
        """The lower end of its interval."""
        return self._share(self.count - self.reach)

    @property
    def high(self) -> float:
        """The upper end of its interval."""
        return self._share(self.count + self.reach)

    def _share(self, count: int) -> float:
        number = max(count, 0)
        return number / (number + self.studies)


def unscored_share(counts: Sequence[int], sizes: Sequence[int], epsilons: Sequence[float]) -> UnscoredShare:
    """The share over a window.

    Args:
        counts: each pulse's noised number of examinations without a score.
        sizes: how many studies each pulse holds, at least one in all.
        epsilons: of each count; its noise has the scale 1/epsilon.

    Examples:
        >>> share = unscored_share([30, 25, 35], [20, 20, 20], [0.5, 0.5, 0.5])
        >>> share.ratio, round(share.low, 2), round(share.high, 2)
        (0.6, 0.57, 0.63)
    """
    mass = mass_of_sum(tuple(sorted(1 / epsilon for epsilon in epsilons)))
    half = len(mass) // 2
    within = np.cumsum(np.concatenate(([mass[half]], mass[half + 1 :] + mass[:half][::-1])))
    reach = int(np.searchsorted(within, CONFIDENCE))
    return UnscoredShare(sum(counts), sum(sizes), reach)
