"""Shares of independent cases, exactly: their bounds, and which sensitivities the cases rule out."""

import numpy as np
from scipy.stats import beta, binom

ALPHA = 0.05
GRID = 0.01


def clopper_pearson(found: float, n: float, chance: float) -> tuple[float, float]:
    """Bounds of a share (Clopper and Pearson, 1934), each of which is wrong with at most `chance`.

    Counts may be effective ones, so no whole numbers (Korn and Graubard, 1998).
    """
    low = float(beta.ppf(chance, found, n - found + 1)) if found else 0.0
    high = float(beta.isf(chance, found + 1, n - found)) if found < n else 1.0
    return low, high


def largest_rejected(found: int, failed: int, alpha: float = ALPHA) -> float | None:
    """The largest null sensitivity that finding so many of the failed cases rejects at `alpha`.

    The exact lower bound: the sensitivity at which finding as many or more has the
    probability alpha. None without a failed case; 0 where none was found, which rejects nothing.

    Examples:
        >>> round(largest_rejected(5, 8), 3)
        0.289
    """
    return clopper_pearson(found, failed, alpha)[0] if failed else None


def largest_rejected_on_grid(found: int, failed: int, alpha: float = ALPHA) -> float | None:
    """The same on the paper's grid of 0.01, as the authors' code searches it.

    Examples:
        >>> largest_rejected_on_grid(5, 8)
        0.28
    """
    if not failed:
        return None
    grid = np.arange(1, round(1 / GRID) + 1) / round(1 / GRID)
    rejected = grid[binom.sf(found - 1, failed, grid) <= alpha]
    return float(rejected.max()) if len(rejected) else 0.0


def exact_interval(found: int, n: int, coverage: float = 0.95) -> tuple[float, float] | None:
    """The share's exact interval, as if studies were independent; None of none.

    It has width where resampling has none: where all were found, or none.
    """
    return clopper_pearson(found, n, (1 - coverage) / 2) if n else None


def p_value(found: int, failed: int, null: float) -> float | None:
    """How likely it is to find as many or more if the sensitivity were `null`; None without a failed case."""
    return float(binom.sf(found - 1, failed, null)) if failed else None
