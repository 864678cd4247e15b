"""The paper's LR refitted on many resamples at once, to the optimum that scikit-learn's solver looks for.

A resample is a row of counts: how often each study was drawn. All resamples share the design matrix, so
Newton's method runs on all of them together in a few matrix products; what scikit-learn treats in another
way (one or two classes, a feature that is constant) is left to scikit-learn, resample by resample.

Objective, as scikit-learn's with C = 1: sum of the classes' balanced log-losses, plus half the squared norm
of the weights on features standardised within the resample; the intercepts are free.
"""

from dataclasses import dataclass, replace

import numpy as np

from segwatch.arrays import Flags, Floats, Integers
from segwatch.scoring.bins import COUNT
from segwatch.training.models import MODELS, fit

PAIRS = tuple((k, m) for k in range(COUNT) for m in range(k + 1, COUNT))
FEWEST_CLASSES = 3
"""With two, scikit-learn fits one weight vector: another penalty."""
LEAST_SPREAD = 1e-3
"""Of a feature in a resample, in standard deviations; below, rounding would decide."""
STEP_TOLERANCE = 1e-9
MOST_STEPS = 100
MOST_HALVINGS = 30


@dataclass(frozen=True)
class Fitted:
    """Of r resamples: weights (r, 5, f) and intercepts (r, 5) on raw features; -inf for an absent bin."""

    weights: Floats
    intercepts: Floats

    def probabilities(self, values: Floats) -> Floats:
        """The bins' probabilities (r, n, 5) of features (n, f)."""
        logits = self.weights @ values.T + self.intercepts[:, :, None]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray((powers / powers.sum(axis=1, keepdims=True)).transpose(0, 2, 1), dtype=np.float64)


def fit_resamples(values: Floats, bins: Integers, counts: Integers) -> Fitted:
    """LR fitted on each resample.

    Args:
        values: features (n, f) without gaps. bins: true bins (n,).
        counts: (r, n), how often each resample holds each study.
    """
    weights = np.zeros((len(counts), COUNT, values.shape[1]))
    intercepts = np.zeros((len(counts), COUNT))
    regular = _regular(values, bins, counts)
    if regular.any():
        weights[regular], intercepts[regular] = _newton(values, bins, counts[regular].astype(np.float64))
    for number in np.flatnonzero(~regular):
        weights[number], intercepts[number] = _one_by_one(values, bins, counts[number])
    return Fitted(weights, intercepts)


def _regular(values: Floats, bins: Integers, counts: Integers) -> Flags:
    """Resamples (r,) with three classes or more, in which every feature varies."""
    classes = np.stack([counts[:, bins == number].any(axis=1) for number in range(COUNT)], axis=1)
    drawn = counts[:, :, None] > 0
    spread = np.where(drawn, values, -np.inf).max(axis=1) - np.where(drawn, values, np.inf).min(axis=1)
    varies = spread > LEAST_SPREAD * values.std(axis=0)
    return np.asarray((classes.sum(axis=1) >= FEWEST_CLASSES) & varies.all(axis=1), dtype=np.bool_)


def _newton(values: Floats, bins: Integers, counts: Floats) -> tuple[Floats, Floats]:
    mean, sd = values.mean(axis=0), values.std(axis=0)
    problem = _Problem.of((values - mean) / sd, bins, counts)
    found = problem.solve()
    weights = found[:, :, :-1] / sd
    intercepts = np.where(problem.present, found[:, :, -1] - weights @ mean, -np.inf)
    return weights, intercepts


def _one_by_one(values: Floats, bins: Integers, counts: Integers) -> tuple[Floats, Floats]:
    """Weights (5, f) and intercepts (5,) as scikit-learn finds them; one class only is always predicted."""
    rows = np.repeat(np.arange(len(bins)), counts)
    weights, intercepts = np.zeros((COUNT, values.shape[1])), np.full(COUNT, -np.inf)
    classes = np.unique(bins[rows])
    if len(classes) == 1:
        intercepts[classes[0]] = 0.0
        return weights, intercepts
    pipeline = fit(MODELS["lr"], values[rows], (bins[rows] + 0.5) / COUNT)
    scale, model = pipeline["scale"], pipeline["model"]
    chosen = classes if len(classes) > 2 else classes[1:]  # of two, scikit-learn models one
    weights[chosen] = model.coef_ / scale.scale_
    intercepts[classes] = 0.0
    intercepts[chosen] = model.intercept_ - weights[chosen] @ scale.mean_
    return weights, intercepts


@dataclass(frozen=True)
class _Problem:
    """r fits on one design (n, f + 1), whose last column is 1. Parameters are (r, 5, f + 1)."""

    design: Floats
    products: Floats
    bins: Integers
    targets: Floats
    mass: Floats
    penalty: Floats
    present: Flags

    @classmethod
    def of(cls, standardised: Floats, bins: Integers, counts: Floats) -> "_Problem":
        n, width = standardised.shape
        design = np.column_stack([standardised, np.ones(n)])
        targets = np.eye(COUNT)[:, bins]
        per_class = counts @ targets.T
        present = per_class > 0
        balance = np.where(present, 1.0 / np.maximum(per_class, 1.0), 0.0)
        balance *= counts.sum(axis=1, keepdims=True) / present.sum(axis=1, keepdims=True)
        shares = counts / counts.sum(axis=1, keepdims=True)
        means = shares @ standardised
        # A weight on a feature that is standardised within the resample is this one times the sd there.
        variances = shares @ standardised**2 - means**2
        penalty = np.column_stack([variances, np.zeros(len(counts))])
        products = (design[:, :, None] * design[:, None, :]).reshape(n, (width + 1) ** 2)
        return cls(design, products, bins, targets, counts * (balance @ targets), penalty, present)

    def solve(self) -> Floats:
        """The optimum: Newton's steps, halved where the objective would rise, until they vanish."""
        found = np.zeros((len(self.mass), COUNT, self.design.shape[1]))
        running, part, at = np.arange(len(found)), self, found
        shares, objective = self.evaluate(found)
        for _ in range(MOST_STEPS):
            taken, shares, objective = part.step(at, shares, objective)
            at = at + taken
            moves = np.abs(taken).max(axis=(1, 2)) > STEP_TOLERANCE
            found[running] = at
            if not moves.any():
                break
            if not moves.all():
                running, at, shares, objective = running[moves], at[moves], shares[moves], objective[moves]
                part = part.rows(moves)
        return found

    def step(self, at: Floats, shares: Floats, objective: Floats) -> tuple[Floats, Floats, Floats]:
        """What is added to the parameters, and what `evaluate` says there."""
        gradient = (self.mass[:, None, :] * (shares - self.targets)) @ self.design
        gradient += self.penalty[:, None, :] * at
        newton = np.linalg.solve(self._curvature(shares), gradient.reshape(len(at), -1, 1))
        taken: Floats = -np.asarray(newton, dtype=np.float64).reshape(at.shape)
        slope = (gradient * taken).sum(axis=(1, 2))
        allowed = objective + 1e-12 * np.abs(objective)
        shares, reached = self.evaluate(at + taken)
        for _ in range(MOST_HALVINGS):
            rises = reached > allowed + 1e-4 * slope
            if not rises.any():
                break
            taken[rises] /= 2
            slope[rises] /= 2
            shares[rises], reached[rises] = self.rows(rises).evaluate(at[rises] + taken[rises])
        return taken, shares, reached

    def rows(self, chosen: Flags) -> "_Problem":
        """The chosen fits."""
        return replace(
            self, mass=self.mass[chosen], penalty=self.penalty[chosen], present=self.present[chosen]
        )

    def evaluate(self, at: Floats) -> tuple[Floats, Floats]:
        """The bins' probabilities (r, 5, n), and the objective (r,)."""
        powers = at @ self.design.T
        powers[~self.present] = -np.inf
        powers -= powers.max(axis=1, keepdims=True)
        own = np.take_along_axis(powers, self.bins[None, None, :], axis=1)[:, 0]
        np.exp(powers, out=powers)
        total = powers.sum(axis=1)
        # A study that was not drawn weighs nothing, even where its bin is absent and its loss infinite.
        losses = np.where(self.mass > 0, np.log(total) - own, 0.0)
        squares = (self.penalty[:, None, :] * at**2).sum(axis=(1, 2))
        objective: Floats = (self.mass * losses).sum(axis=1) + 0.5 * squares
        powers /= total[:, None, :]
        return powers, objective

    def _curvature(self, shares: Floats) -> Floats:
        """The second derivative (r, 5 (f + 1), 5 (f + 1)), made regular where the optimum is not unique."""
        r, width = len(shares), self.design.shape[1]
        weighted = self.mass[:, None, :] * shares
        full = np.zeros((r, COUNT, width, COUNT, width))
        for k, m in PAIRS:
            block = ((weighted[:, k] * shares[:, m]) @ self.products).reshape(r, width, width)
            full[:, k, :, m, :] = full[:, m, :, k, :] = -block
            full[:, k, :, k, :] += block
            full[:, m, :, m, :] += block
        every = np.arange(COUNT * width)
        flat = full.reshape(r, COUNT * width, COUNT * width)
        flat[:, every, every] += (self.penalty[:, None, :] + ~self.present[:, :, None]).reshape(r, -1)
        # All intercepts may move together without effect: hold their sum.
        full[:, :, -1, :, -1] += self.present[:, :, None] & self.present[:, None, :]
        return flat
