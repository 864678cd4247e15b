"""Ordinal regression of Dice over fine cuts, as an estimator of scikit-learn's kind.

One weight a column, one level a cut: all cuts' logistic losses are summed with shared weights, which keeps
the levels in order and the problem convex. Source: Rennie and Srebro (2005), loss functions for preference
levels, the all-threshold logistic loss.
"""

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

from segwatch.arrays import Floats
from segwatch.scoring.forms import Ordinal
from segwatch.scoring.predict import sigmoid

CUTS = np.round(np.arange(0.05, 1.0, 0.05), 2)


class OrdinalRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts the expected Dice.

    Args:
        penalty: weight of the squared weights, beside the mean loss a row and cut.
        limit: standardised values are kept within so many standard deviations.
    """

    def __init__(self, penalty: float = 0.003, limit: float = 3.0) -> None:
        self.penalty = penalty
        self.limit = limit

    def fit(self, values: Floats, dice: Floats) -> "OrdinalRegression":
        """Fit on what the model reads (n, t) and true Dice (n,)."""
        mean, sd = values.mean(axis=0), values.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        standing = np.clip((values - mean) / sd, -self.limit, self.limit)
        cuts = CUTS[(dice.min() < CUTS) & (dice.max() >= CUTS)]
        if not len(cuts):
            raise ValueError("all Dice lie in one step of 0.05: there is no order to learn")
        weights, levels = _fitted(standing, dice[:, None] >= cuts, self.penalty)
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


def _fitted(standing: Floats, above: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Weights (t,) and levels (k,) of the least loss; `above` (n, k): whether each Dice reaches each cut."""
    count, width = standing.shape
    cells = above.size
    share = np.clip(above.mean(axis=0), 1 / (count + 2), 1 - 1 / (count + 2))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, levels = parameters[:width], parameters[width:]
        line = (standing @ weights)[:, None] - levels
        wrong = sigmoid(line) - above
        value = float((np.logaddexp(0.0, line) - above * line).sum()) / cells
        slope = np.concatenate([standing.T @ wrong.sum(axis=1), -wrong.sum(axis=0)]) / cells
        slope[:width] += penalty * weights
        return value + 0.5 * penalty * float(weights @ weights), slope

    start = np.concatenate([np.zeros(width), -np.log(share / (1 - share))])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return best.x[:width], best.x[width:]
