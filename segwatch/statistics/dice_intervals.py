"""The two ends of each study's interval, and which studies are outside what the scorer knows."""

from dataclasses import dataclass

import numpy as np

from segwatch.cohorts.table import Cohort, Flags
from segwatch.scoring.bins import Floats
from segwatch.scoring.manifest import Interval, Region, ScorerManifest, Spread
from segwatch.scoring.outside import distance, standardise
from segwatch.scoring.terms import columns


@dataclass(frozen=True)
class Ends:
    """Of n studies the interval's ends (n,), 0 and 1 where outside, NaN where there is none; outside (n,)."""

    low: Floats
    high: Floats
    outside: Flags

    def rows(self, chosen: Flags) -> "Ends":
        """The chosen studies."""
        return Ends(self.low[chosen], self.high[chosen], self.outside[chosen])


def no_ends(n: int) -> Ends:
    """Studies that have no interval yet."""
    return Ends(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.bool_))


def put(into: Ends, where: Flags, predicted: Floats, interval: Interval, outside: Flags) -> None:
    """Fill in the studies `where` (n,), of predicted Dice (m,), of which some are outside (m,)."""
    around = [interval.around(float(dice)) for dice in predicted]
    low, high = np.array(around, dtype=np.float64).reshape(-1, 2).T
    into.low[where], into.high[where] = np.where(outside, 0.0, low), np.where(outside, 1.0, high)
    into.outside[where] = outside


def is_outside(read: Floats, spreads: tuple[Spread, ...], region: Region) -> Flags:
    """Whether studies lie beyond the region's bound (n,), by what the model reads of them (n, t)."""
    far = distance(standardise(read, spreads), np.array(region.precision))
    return np.asarray(far > region.bound, dtype=np.bool_)


def ends_as_served(manifest: ScorerManifest, cohort: Cohort, predicted: Floats) -> Ends:
    """The intervals that a bundle serves of the cohort's rows, of which it predicted these Dice (n,)."""
    rows = cohort.select(manifest.feature_names)
    there, made = rows.defined, no_ends(len(rows))
    read = columns(manifest.terms, manifest.feature_names, rows.values[there])
    put(
        made, there, predicted[there], manifest.interval, is_outside(read, manifest.columns, manifest.outside)
    )
    return made
