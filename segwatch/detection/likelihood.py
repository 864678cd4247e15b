"""How likely one observation is at each share: a pulse's noised count, or one study seen without noise.

Natural logarithms, up to a term that is the same at every share: it cancels.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from segwatch.arrays import Floats
from segwatch.detection.grid import BASELINES, RAISED

REMEMBERED = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """One observation, or one of each of several streams on leading axes.

    Attributes:
        stable: log likelihood at each baseline (…, n).
        raised: at each share that a baseline may have risen to (…, n, m).
    """

    stable: Floats
    raised: Floats


def of_count(count: int, k: int, epsilon: float) -> Likelihood:
    """A noised count: a binomial number of k studies plus discrete Laplace noise of the scale 1/epsilon.

    Beyond 0 to k each further step divides the likelihood at every share by exp(epsilon), so a count is as
    good as the nearest in 0 to k, however far a stranger's figure lies.
    """
    return _of_clamped(min(max(count, 0), k), k, epsilon)


def of_counts(k: int, epsilon: float) -> Likelihood:
    """The counts 0 to k, on the first axis: to look up many streams' at once."""
    each = [of_count(count, k, epsilon) for count in range(k + 1)]
    return Likelihood(np.array([one.stable for one in each]), np.array([one.raised for one in each]))


@lru_cache(maxsize=REMEMBERED)
def of_ratio(ratio: float) -> Likelihood:
    """A study whose failure probability is `ratio` times as dense among failed studies as among good ones.

    The density of what is seen is p·ratio + 1 − p at the share p of failed studies. Infinity is a study
    that is known to have failed, 0 one that is known to be good.
    """
    if math.isinf(ratio):
        return Likelihood(np.log(BASELINES), np.log(RAISED))
    return Likelihood(np.log1p(BASELINES * (ratio - 1)), np.log1p(RAISED * (ratio - 1)))


def of_verdict(needs_attention: bool) -> Likelihood:
    """A study of which only the verdict is known: p or 1 − p, where p is the share that needs attention."""
    return of_ratio(math.inf if needs_attention else 0.0)


@lru_cache(maxsize=REMEMBERED)
def _of_clamped(count: int, k: int, epsilon: float) -> Likelihood:
    return Likelihood(_log_of_count(count, k, epsilon, BASELINES), _log_of_count(count, k, epsilon, RAISED))


def _log_of_count(count: int, k: int, epsilon: float, share: Floats) -> Floats:
    """log Σₓ Bin(x; k, share) exp(−epsilon·|count − x|), summed in logarithms: no term is lost."""
    x = np.arange(k + 1)
    weight = _log_choose(k) - epsilon * np.abs(count - x)
    terms = weight + x * np.log(share)[..., None] + (k - x) * np.log1p(-share)[..., None]
    top = terms.max(axis=-1)
    return np.asarray(top + np.log(np.exp(terms - top[..., None]).sum(axis=-1)))


@lru_cache(maxsize=64)
def _log_choose(k: int) -> Floats:
    factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, k + 1)))))
    return np.asarray(factorials[k] - factorials - factorials[::-1])
