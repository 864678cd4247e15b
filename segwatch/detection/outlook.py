"""What the centre can see of a site and when, by its volume and by how long it has been watched: simulated.

Studies fail at random at one share and, from one study on, at another; the scorer flags failed and good ones
at its sensitivity and specificity; pulses are noised as the policy says. The runs are seeded.
"""

import math
from typing import NamedTuple

import numpy as np

from segwatch.arrays import Floats, Integers
from segwatch.detection.evidence import Evidence
from segwatch.detection.likelihood import Likelihood, of_counts
from segwatch.detection.threshold import DAYS_A_MONTH, KNOWN_AFTER, UNKNOWN_VOLUME, months_between

WEEKLY = (5.0, 50.0, 500.0)
YOUNG, OLD = 20, 200
"""Pulses of baseline before the change."""
CHANGES = ((0.18, 0.74), (0.18, 0.40), (0.05, 0.25))
SENSITIVITY, FALSE_POSITIVES = 0.76, 0.2
RUNS = 200
SEED = 13
YEARS = 10
MOST_PULSES = 600
"""Of one run behind the change: what is not found by then is shown as missed."""


class Outlook(NamedTuple):
    """One line of the table.

    Attributes:
        weekly: studies a week.
        baseline_pulses: before the change. pulse_studies: in each.
        before, after: the share of failing studies.
        threshold: of the evidence.
        half_studies, nine_in_ten_studies: until the change is found in half of the runs, and in nine of ten;
            None where that is later than was looked.
        missed: the share of runs in which it was not found within ten years.
    """

    weekly: float
    baseline_pulses: int
    pulse_studies: int
    before: float
    after: float
    threshold: float
    half_studies: float | None
    nine_in_ten_studies: float | None
    missed: float


def outlook(
    weekly: tuple[float, ...] = WEEKLY,
    *,
    sites: int = 1,
    pages_a_month: float = 1.0,
    k: int = 20,
    epsilon: float = 1.0,
    runs: int = RUNS,
) -> list[Outlook]:
    """The table: every volume, a young and an old baseline, three changes.

    Args:
        weekly: studies a week.
        sites, pages_a_month: see `months_between`.
        k, epsilon: of a pulse.
        runs: for each line.
    """
    months = months_between(sites, pages_a_month)
    lines = []
    for studies in weekly:
        a_month = studies / 7 * DAYS_A_MONTH / k
        known = KNOWN_AFTER.days / DAYS_A_MONTH * a_month
        most = min(MOST_PULSES, math.ceil(YEARS * 12 * a_month))
        for baseline in (YOUNG, OLD):
            threshold = max(a_month * months, 1.0) if baseline >= known else UNKNOWN_VOLUME
            for before, after in CHANGES:
                delays = delays_of(
                    flagged(before),
                    flagged(after),
                    threshold=threshold,
                    baseline=baseline,
                    most=most,
                    k=k,
                    epsilon=epsilon,
                    runs=runs,
                )
                lines.append(_line(studies, baseline, (before, after), threshold, delays, k))
    return lines


def flagged(failing: float) -> float:
    """The share of studies that the scorer flags, where this share fails."""
    return SENSITIVITY * failing + FALSE_POSITIVES * (1 - failing)


def delays_of(
    before: float,
    after: float,
    *,
    threshold: float,
    baseline: int,
    most: int,
    k: int = 20,
    epsilon: float = 1.0,
    runs: int = RUNS,
    seed: int = SEED,
) -> Floats:
    """Pulses from the change to the alarm in each run (runs,); infinite where it does not ring within `most`.

    An alarm before the change is taken as acknowledged.
    """
    generator = np.random.default_rng(seed)
    every = of_counts(k, epsilon)
    evidence = Evidence.start((runs,))
    delays = np.full(runs, np.inf)
    for pulse in range(baseline + most):
        counts = noised(generator, before if pulse < baseline else after, k, epsilon, runs)
        evidence = evidence.after(Likelihood(every.stable[counts], every.raised[counts]))
        rings = evidence.log10 >= math.log10(threshold)
        if pulse < baseline:
            evidence.changed[rings] = -np.inf
            continue
        delays[rings & np.isinf(delays)] = pulse - baseline + 1
        if np.isfinite(delays).all():
            break
    return delays


def noised(generator: np.random.Generator, share: float, k: int, epsilon: float, runs: int) -> Integers:
    """Noised counts of k studies (runs,), within 0 to k, beyond which nothing changes."""
    success = 1 - math.exp(-epsilon)
    noise = generator.geometric(success, runs) - generator.geometric(success, runs)
    return np.clip(generator.binomial(k, share, runs) + noise, 0, k)


def _line(
    weekly: float, baseline: int, change: tuple[float, float], threshold: float, delays: Floats, k: int
) -> Outlook:
    half, late = (float(np.quantile(delays, share, method="higher")) * k for share in (0.5, 0.9))
    return Outlook(
        weekly=weekly,
        baseline_pulses=baseline,
        pulse_studies=k,
        before=change[0],
        after=change[1],
        threshold=threshold,
        half_studies=half if math.isfinite(half) else None,
        nine_in_ten_studies=late if math.isfinite(late) else None,
        missed=float(np.isinf(delays).mean()),
    )
