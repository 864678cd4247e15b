"""What trials on two neighbouring inputs say about the privacy loss, with a stated chance to be wrong.

From below: an event that a loss of epsilon makes exp(epsilon) times as likely in one world as in the other.
Clopper and Pearson's bounds on its two probabilities bound the loss that was seen (Jagielski, Ullman and
Oprea, *Auditing Differentially Private Machine Learning*, 2020). The event is fixed before anything is drawn:
what was released is much likelier in the one world, by the exact mass of the noise (Neyman and Pearson).

From above: discrete Laplace noise of scale sensitivity/epsilon loses epsilon and no more, whatever the event,
since its mass falls by exp(-1/scale) a step. That the noise has this mass is tested by Dvoretzky, Kiefer and
Wolfowitz's inequality with Massart's constant, which holds for every sample size and for discrete laws.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwatch.statistics.binomial import clopper_pearson
from segwatch.statistics.laplace import mass_up_to


@dataclass(frozen=True)
class Loss:
    """The privacy loss of a figure: what the policy promises, and what was seen at least."""

    figure: str
    promised: float
    at_least: float
    hits: tuple[int, int]
    trials: int

    @property
    def holds(self) -> bool:
        """Whether what was seen is compatible with the promise."""
        return self.at_least <= self.promised


@dataclass(frozen=True)
class Fit:
    """How far the noise lies from the exact distribution: the largest difference of the summed masses."""

    figure: str
    scale: float
    distance: float
    allowed: float
    draws: int

    @property
    def holds(self) -> bool:
        """Whether chance explains the distance."""
        return self.distance <= self.allowed


def loss_of(figure: str, promised: float, hits: tuple[int, int], trials: int, chance: float) -> Loss:
    """The loss that an event shows.

    Args:
        figure: the figure's name.
        promised: its epsilon.
        hits: how often the event happened in the world that makes it likely, and in its neighbour.
        trials: in each world.
        chance: the probability that a loss within `promised` is called larger.
    """
    likely, unlikely = hits
    lowest, _ = clopper_pearson(likely, trials, chance / 2)
    _, highest = clopper_pearson(unlikely, trials, chance / 2)
    at_least = math.log(lowest / highest) if lowest > 0 else 0.0
    return Loss(figure, promised, max(at_least, 0.0), hits, trials)


def fit_of(figure: str, scale: float, noise: Sequence[float], chance: float) -> Fit:
    """Hold noise that was seen against the exact mass.

    Args:
        figure: the figure's name.
        scale: of the discrete Laplace distribution.
        noise: independent draws.
        chance: the probability that noise of this distribution is called another.
    """
    drawn = np.sort(np.asarray(noise))
    steps = np.arange(math.floor(drawn[0]) - 1, math.ceil(drawn[-1]) + 2)
    seen = np.searchsorted(drawn, steps, side="right") / len(drawn)
    exact = np.array([mass_up_to(int(step), scale) for step in steps])
    distance = float(np.abs(seen - exact).max())
    return Fit(figure, scale, distance, math.sqrt(math.log(2 / chance) / (2 * len(drawn))), len(drawn))
