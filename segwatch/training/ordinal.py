"""Ordinal regression of Dice over fine cuts, as an estimator of scikit-learn's kind.

One weight a column, one level a cut: all cuts' logistic losses are summed with shared weights, which keeps
the levels in order and the problem convex. Source: Rennie and Srebro (2005), loss functions for preference
levels, the all-threshold logistic loss.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

from segwatch.arrays import Floats
from segwatch.scoring.forms import Ordinal
from segwatch.scoring.predict import sigmoid

Bounds = tuple[float | None, float | None]
CUTS = np.round(np.arange(0.05, 1.0, 0.05), 2)
_SIDES: Mapping[int, Bounds] = {1: (0.0, None), 0: (None, None), -1: (None, 0.0)}


class OrdinalRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts the expected Dice.

    Args:
        penalty: weight of the squared weights, beside the mean loss a row and cut.
        limit: standardised values are kept within so many standard deviations.
        directions: for each column 1 where Dice can only rise with it, -1 where it can only fall, 0 where
            nothing is known; a weight keeps to its side, and is 0 where the rows would have it on the other.
    """

    def __init__(
        self, penalty: float = 0.003, limit: float = 3.0, directions: Sequence[int] | None = None
    ) -> None:
        self.penalty = penalty
        self.limit = limit
        self.directions = directions

    def fit(self, values: Floats, dice: Floats, sample_weight: Floats | None = None) -> "OrdinalRegression":
        """Fit on what the model reads (n, t) and true Dice (n,); a row counts as its weight (n,) says."""
        counts = np.ones(len(dice)) if sample_weight is None else sample_weight / sample_weight.mean()
        mean, sd = values.mean(axis=0), values.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        standing = np.clip((values - mean) / sd, -self.limit, self.limit)
        cuts = CUTS[(dice.min() < CUTS) & (dice.max() >= CUTS)]
        if not len(cuts):
            raise ValueError("all Dice lie in one step of 0.05: there is no order to learn")
        sides = [_SIDES[each] for each in self.directions or [0] * values.shape[1]]
        weights, levels = _fitted(standing, dice[:, None] >= cuts, counts, self.penalty, sides)
        self.form_ = Ordinal(
            mean=mean,
            sd=sd,
            weights=weights,
            cuts=cuts,
            levels=np.maximum.accumulate(levels),
            limit=np.array([self.limit]),
        )
        return self

    def predict(self, values: Floats) -> Floats:
        """Expected Dice (n,)."""
        return self.form_.predict(values)


def _fitted(
    standing: Floats, above: Floats, counts: Floats, penalty: float, sides: Sequence[Bounds]
) -> tuple[Floats, Floats]:
    """Weights (t,), each on its side, and levels (k,) of the least loss.

    `above` (n, k): whether each Dice reaches each cut. `counts` (n,): 1 on average.
    """
    count, width = standing.shape
    cells = above.size
    each = counts[:, None]
    share = np.clip((each * above).mean(axis=0), 1 / (count + 2), 1 - 1 / (count + 2))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, levels = parameters[:width], parameters[width:]
        line = (standing @ weights)[:, None] - levels
        wrong = each * (sigmoid(line) - above)
        value = float((each * (np.logaddexp(0.0, line) - above * line)).sum()) / cells
        slope = np.concatenate([standing.T @ wrong.sum(axis=1), -wrong.sum(axis=0)]) / cells
        slope[:width] += penalty * weights
        return value + 0.5 * penalty * float(weights @ weights), slope

    start = np.concatenate([np.zeros(width), -np.log(share / (1 - share))])
    bounds = [*sides, *[_SIDES[0]] * len(share)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return best.x[:width], best.x[width:]
