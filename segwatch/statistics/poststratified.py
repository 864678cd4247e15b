"""The share of failures where a few studies were reviewed, which a flag had sorted into strata beforehand.

A rate that is post-stratified is right whatever the flag is worth: a useless flag only costs precision. A
correction by a scorer's sensitivity and specificity is not, since those do not carry over to a site.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.statistics.binomial import clopper_pearson

TAIL = 0.025


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval, and how many of how many it was counted from."""

    value: float
    low: float
    high: float
    found: int
    n: int


@dataclass(frozen=True)
class Stratum:
    """One side of the flag.

    Attributes:
        studies: how many there are. reviewed: how many of them were reviewed, failed: of those.
        effective: how many independent reviews those are worth, at most `reviewed`.
    """

    studies: int
    reviewed: int
    failed: int
    effective: float


def effective_number(weights: Floats, patients: Texts) -> float:
    """How many independent studies of equal weight the studies (n,) are worth at least.

    Kish's number (1965) of the patients' sums of weights: a patient's studies count as if all went alike.
    """
    _, owner = np.unique(patients, return_inverse=True)
    sums = np.bincount(owner, weights=weights)
    return float(sums.sum() ** 2 / (sums**2).sum())


def weighted_share(hits: Flags, weights: Floats, patients: Texts) -> Share | None:
    """The share of hits among studies (n,) that stand for unlike numbers of others; None of no study.

    The interval is Clopper and Pearson's of the effective number (Korn and Graubard, Surv. Methodol. 1998).
    """
    if not len(hits):
        return None
    value = float(weights[hits].sum() / weights.sum())
    number = effective_number(weights, patients)
    low, high = clopper_pearson(value * number, number, TAIL)
    return Share(value, low, high, int(hits.sum()), len(hits))


def strata(flagged: Flags, reviewed: Integers, failed: Flags, patients: Texts) -> tuple[Stratum, Stratum]:
    """The flagged studies, and the others.

    Args:
        flagged: of all studies (n,).
        reviewed: which of them were reviewed, by number (m,). failed, patients: of the reviewed (m,).
    """
    flags = flagged[reviewed]
    return _stratum(flagged, flags, failed, patients), _stratum(~flagged, ~flags, failed, patients)


def _stratum(studies: Flags, mine: Flags, failed: Flags, patients: Texts) -> Stratum:
    n = int(mine.sum())
    worth = effective_number(np.ones(n), patients[mine]) if n else 0.0
    return Stratum(int(studies.sum()), n, int(failed[mine].sum()), worth)


def poststratified(parts: Sequence[Stratum]) -> Share | None:
    """The share of failures among all studies of the strata; None where one has studies and no review.

    The interval puts the strata's exact intervals together by their distances from the estimate (MOVER: Zou
    and Donner, Statistics in Medicine 2008). It is that of a site which goes on like this: that reviewed
    studies are known for certain does not narrow it.
    """
    there = [part for part in parts if part.studies]
    if not there or any(not part.reviewed for part in there):
        return None
    total = sum(part.studies for part in there)
    value = below = above = 0.0
    for part in there:
        weight, share = part.studies / total, part.failed / part.reviewed
        low, high = clopper_pearson(share * part.effective, part.effective, TAIL)
        value += weight * share
        below += (weight * (share - low)) ** 2
        above += (weight * (high - share)) ** 2
    return Share(
        value,
        max(value - math.sqrt(below), 0.0),
        min(value + math.sqrt(above), 1.0),
        sum(part.failed for part in there),
        sum(part.reviewed for part in there),
    )


FEWEST_OF_A_STRATUM = 3
"""Reviewed of each side of the flag where it has so many: one alone says nothing of the others."""


def chosen_for_review(flagged: Flags, number: int, seed: int) -> Integers:
    """Which studies (n,) to review, by number and in random order, stratified by flag.

    Each side gets its share of the reviews, and FEWEST_OF_A_STRATUM at least where it has them.
    """
    generator = np.random.default_rng(seed)
    sides = [np.flatnonzero(flagged), np.flatnonzero(~flagged)]
    number = min(number, len(flagged))
    fewest = [min(len(side), FEWEST_OF_A_STRATUM, number // 2) for side in sides]
    of_flagged = round(number * len(sides[0]) / max(len(flagged), 1))
    of_flagged = max(min(of_flagged, number - fewest[1], len(sides[0])), fewest[0])
    counts = (of_flagged, min(number - of_flagged, len(sides[1])))
    drawn = [generator.choice(side, count, replace=False) for side, count in zip(sides, counts, strict=True)]
    return np.asarray(generator.permutation(np.concatenate(drawn)), dtype=np.int64)
