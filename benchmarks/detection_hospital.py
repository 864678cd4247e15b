"""How soon the hospital's detector finds a change: study by study, by the ratio of a bundle's densities.

Nine of ten runs is a tail, and a run is long for the baseline before its change. So each baseline is gone
through once, and has several changes behind it. The interval draws bundles with their baselines anew: runs of
one bundle or of one baseline are not independent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from segwatch.arrays import Floats
from segwatch.detection.evidence import Evidence
from segwatch.detection.likelihood import Likelihood, of_ratio
from segwatch.detection.threshold import DAYS_A_MONTH, MONTHS_A_PAGE
from segwatch.scoring.training_results import FailureDensities
from segwatch.training.calibration import failure_densities

WEEKLY = 50
BASELINE, MOST = 4000, 2000
"""Studies before the change, and those behind it that are looked at."""
BEFORE, AFTER = 0.18, 0.40
AUROCS = (0.86, 0.94)
TRAINING_ROWS, TRAINING_FAILED = 2000, 0.3
BUNDLES, BASELINES, CHANGES = 25, 50, 20
"""25 bundles, 50 baselines with each, 20 changes behind each: 25,000 runs."""
LOG10_THRESHOLD = math.log10(WEEKLY / 7 * DAYS_A_MONTH * MONTHS_A_PAGE)
RESAMPLES = 1000


@dataclass(frozen=True)
class Seen:
    """What a scorer says of studies: the likelihood of each answer that it can give, and how it gives them.

    Attributes:
        every: the likelihood of each cell (cells,).
        edges: between the cells, on the scorer's own scale. Empty: no cells, the exact ratio of two normals.
        apart: how far the failed studies' mean lies above the good ones'.
    """

    apart: float
    edges: Floats
    every: Likelihood

    def of(self, share: float, runs: int, chance: np.random.Generator) -> Likelihood:
        """One study in each run, of which this share fails."""
        raw = chance.normal(size=runs) + self.apart * (chance.random(runs) < share)
        cell = np.searchsorted(self.edges, raw, side="right")
        return Likelihood(self.every.stable[cell], self.every.raised[cell])


def bundle(apart: float, chance: np.random.Generator) -> Seen:
    """A scorer with the densities of its own training rows, as training writes them."""
    fails = chance.random(TRAINING_ROWS) < TRAINING_FAILED
    densities = failure_densities(norm.cdf(chance.normal(size=TRAINING_ROWS) + apart * fails), fails)
    assert densities is not None
    return Seen(apart, norm.ppf(densities.edges), _of_cells(densities))


def _of_cells(densities: FailureDensities) -> Likelihood:
    cells = [of_ratio(densities.ratio(float(at))) for at in (0.0, *densities.edges)]
    return Likelihood(np.array([cell.stable for cell in cells]), np.array([cell.raised for cell in cells]))


def known(apart: float, cells: int = 400) -> Seen:
    """A scorer whose densities are known exactly: the best that any bundle can be."""
    at = (np.arange(cells) + 0.5) / cells
    raw = np.quantile([norm.ppf(at), norm.ppf(at) + apart], at)
    ratio = np.exp(apart * raw - apart**2 / 2)
    each = [of_ratio(float(one)) for one in ratio]
    return Seen(
        apart,
        (raw[1:] + raw[:-1]) / 2,
        Likelihood(np.array([one.stable for one in each]), np.array([one.raised for one in each])),
    )


def delays(seen: Seen, chance: np.random.Generator) -> Floats:
    """Studies from the change to the alarm (baselines, changes); infinite where there is none.

    An alarm before the change is acknowledged at once.
    """
    before = Evidence.start((BASELINES,))
    for _ in range(BASELINE):
        before = before.after(seen.of(BEFORE, BASELINES, chance))
        before.changed[before.log10 >= LOG10_THRESHOLD] = -np.inf
    runs = BASELINES * CHANGES
    evidence = Evidence(np.repeat(before.stable, CHANGES, axis=0), np.repeat(before.changed, CHANGES, axis=0))
    found = np.full(runs, np.inf)
    for study in range(1, MOST + 1):
        evidence = evidence.after(seen.of(AFTER, runs, chance))
        found[(evidence.log10 >= LOG10_THRESHOLD) & np.isinf(found)] = study
        if np.isfinite(found).all():
            break
    return found.reshape(BASELINES, CHANGES)


def spoken(found: Floats, chance: np.random.Generator) -> list[str]:
    """Mean and nine of ten of delays (bundles, baselines, changes), each with its 95 % interval."""
    bundles, baselines, _ = found.shape

    def figures(delays: Floats) -> tuple[float, float]:
        return float(delays.mean()), float(np.quantile(delays, 0.9, method="higher"))

    drawn = np.array(
        [
            figures(
                found[
                    chance.integers(bundles, size=bundles)[:, None],
                    chance.integers(baselines, size=(bundles, baselines)),
                ]
            )
            for _ in range(RESAMPLES)
        ]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    spread = drawn.std(axis=0)
    return [
        f"{figure:.0f} [{low[each]:.0f}, {high[each]:.0f}], s.e. {spread[each]:.1f}"
        for each, figure in enumerate(figures(found))
    ]


def rows(seed: int) -> Iterator[list[str]]:
    """For each AUROC: the scorer's bundle, and the same with its densities known exactly."""
    for auroc in AUROCS:
        apart = math.sqrt(2) * float(norm.ppf(auroc))
        chance = np.random.default_rng(seed)
        by_bundle = np.array([delays(bundle(apart, chance), chance) for _ in range(BUNDLES)])
        yield [f"{auroc:g}", "of 2,000 training rows, in 20 cells", *spoken(by_bundle, chance)]
        exact = np.array([delays(known(apart), chance) for _ in range(BUNDLES)])
        yield [f"{auroc:g}", "known exactly", *spoken(exact, chance)]
