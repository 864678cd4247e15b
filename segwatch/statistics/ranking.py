"""How well predicted Dice follows and orders the true: correlations, and area under risk against coverage.

Of many resamples at once: studies (n,) under weights (r, n), which say how often each was drawn; predicted
Dice is (r, n), or (1, n) for all, NaN where undefined. What a resample cannot give is NaN.
"""

import numpy as np

from segwatch.arrays import Floats, Integers

CONSTANT_BELOW = 1e-18
"""A variance of values between 0 and 1 that rounding alone makes."""


def aurc(predicted: Floats, dice: Floats, weights: Floats) -> Floats:
    """The mean of 1 - Dice (r,) among the most confident studies, averaged over all shares of them.

    Confidence is the predicted Dice: the curve's points are the 1, 2, … N studies of highest predicted Dice.
    Equal ones enter in a random order: their mean is taken. Undefined studies are trusted last.
    Source: Geifman and El-Yaniv (2017), arXiv:1705.08500; with this risk Zenk et al. (2025).
    """
    doubt = np.where(np.isnan(predicted), np.inf, -predicted)
    order = np.argsort(doubt, axis=1, kind="stable")
    first, last = ties(np.take_along_axis(doubt, order, axis=1))
    count = _ordered(weights, order)
    risk = (1 - dice)[order]
    shared = np.nan_to_num(ratio(*(_sum_of_ties(each, first, last) for each in (count * risk, count))))
    trusted = np.cumsum(count, axis=1)
    before = trusted - count
    risk_before = np.cumsum(count * shared, axis=1) - count * shared
    # The mean over a + j studies is (b + j m) / (a + j) = m + (b - a m) / (a + j), summed over j = 1 … count.
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, trusted[:, -1].max(initial=0) + 1))])
    passed = harmonic[trusted.astype(np.int64)] - harmonic[before.astype(np.int64)]
    means = count * shared + (risk_before - before * shared) * passed
    return ratio(means.sum(axis=1), trusted[:, -1])


def pearson(predicted: Floats, dice: Floats, weights: Floats) -> Floats:
    """The correlation (r,) of predicted and true Dice where there is one; NaN where either is constant."""
    known = ~np.isnan(predicted)
    return _correlation(np.where(known, predicted, 0.0), dice[None, :], weights * known)


def spearman(predicted: Floats, dice: Floats, weights: Floats) -> Floats:
    """The same of their ranks; equal values have the mean of theirs."""
    known = ~np.isnan(predicted)
    weights = weights * known
    ranks = _ranks(np.where(known, predicted, 0.0), weights), _ranks(dice[None, :], weights)
    return _correlation(*ranks, weights)


def ties(ordered: Floats) -> tuple[Integers, Integers]:
    """The first and the last position of each value among its equals, in rows that ascend."""
    n = ordered.shape[1]
    position = np.broadcast_to(np.arange(n), ordered.shape)
    new = np.ones(ordered.shape, dtype=np.bool_)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, position, 0), axis=1)
    final = np.ones(ordered.shape, dtype=np.bool_)
    final[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(final, position, n)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _ranks(values: Floats, weights: Floats) -> Floats:
    """The rank (r, n) of each value, from 0 to 1, were it there as often as its weight says."""
    order = np.argsort(values, axis=1, kind="stable")
    first, last = ties(np.take_along_axis(values, order, axis=1))
    count = _ordered(weights, order)
    through = np.cumsum(count, axis=1)
    middle = (_ordered(through - count, first) + _ordered(through, last)) / 2
    ranks = np.empty_like(middle)
    np.put_along_axis(ranks, np.broadcast_to(order, middle.shape), middle, axis=1)
    return ranks / np.maximum(through[:, -1:], 1)


def _correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    one, other = (
        values - ratio((values * weights).sum(axis=1, keepdims=True), total) for values in (one, other)
    )
    variances = ((weights * values**2).sum(axis=1) for values in (one, other))
    sds = [np.sqrt(np.where(each > CONSTANT_BELOW * total[:, 0], each, 0.0)) for each in variances]
    return ratio((weights * one * other).sum(axis=1), sds[0] * sds[1])


def _sum_of_ties(values: Floats, first: Integers, last: Integers) -> Floats:
    """For each position the sum (r, n) over its equals."""
    through = np.cumsum(values, axis=1)
    return _ordered(through, last) - _ordered(through - values, first)


def _ordered(values: Floats, order: Integers) -> Floats:
    """Values (r, n) in an order (r, n), or (1, n) for all."""
    return values[:, order[0]] if len(order) == 1 else np.take_along_axis(values, order, axis=1)


def ratio(above: Floats, below: Floats) -> Floats:
    """The one over the other, of one shape; NaN where nothing is beneath."""
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found
