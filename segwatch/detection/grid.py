"""What is thought possible before the first study: the baselines of a site, and by how much a rate may rise.

Axes: a baseline is one of n = 49; a rise one of m = 3.
"""

import numpy as np

from segwatch.arrays import Floats

BASELINES: Floats = np.arange(1, 98, 2) / 100
"""Shares that may be a site's habit (n,): .01, .03, … .97."""
RISES: Floats = np.array([0.35, 0.7, 1.4])
"""By how much a share may rise, in log odds (m,); each is as likely."""


def _prior() -> Floats:
    """Beta(2, 5) on the grid: most sites fail in a fifth to a half of their studies, none is ruled out."""
    weights = BASELINES * (1 - BASELINES) ** 4
    return np.asarray(np.log(weights / weights.sum()))


def _raised() -> Floats:
    odds = BASELINES / (1 - BASELINES)
    raised = odds[:, None] * np.exp(RISES)
    return np.asarray(raised / (1 + raised))


LOG_PRIOR: Floats = _prior()
"""Natural logarithm of each baseline's weight (n,)."""
RAISED: Floats = _raised()
"""The share after each rise from each baseline (n, m)."""
