"""The hospital's own rolling quality, live and exact: over the last studies, and over the last days.

Windows of days go by event time, when a study was received. A study's latest score is the one that is
shown, so that a newer scorer's view replaces an older one's. None of this leaves the hospital.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from statistics import fmean

from segwatch.aggregation.strata import Strata, StratumQuality, by_stratum, strata_of
from segwatch.contracts.studies import Arrival, StudyScored
from segwatch.serving.comparison import WINDOW, Comparison, ScoredByBoth, compare, pair_of

LAST: Mapping[str, int] = {"last_20": 20, "last_100": 100}
WITHIN: Mapping[str, timedelta] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
STRATA_WINDOW = "30d"
MOST_COMPARED = 5 * WINDOW
"""How far back studies with a shadow are looked for, at each scrape."""
MOST_STUDIES = 50_000
"""A bound on memory: 30 days of a hospital with more than three times 500 CTs a day."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the windows need of a study; `pair` where a shadow has scored it too."""

    received_at: datetime
    needs_attention: bool
    predicted_dice: float | None
    predicted_failed: bool = False
    pair: ScoredByBoth | None = None
    version: int = 1
    strata: Strata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quality:
    """A window's figures. None where no study can say: undefined is never good, and never bad either."""

    studies: int
    needs_attention_ratio: float | None
    predicted_dice: float | None


class Rolling:
    """The studies that some window can still show, in the order in which they were first scored.

    Read by the scrape's thread while the service's adds.
    """

    def __init__(self) -> None:
        self._studies: OrderedDict[bytes, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, scored: StudyScored) -> None:
        """Take a scored record, a study's first or a later one; one on trial is not shown."""
        arrival = scored.arrival or Arrival()
        if arrival.trial:
            return
        at = arrival.acquired_at or scored.received_at
        seen = Seen(
            at,
            scored.needs_attention,
            scored.predicted_dice,
            predicted_failed=scored.predicted_failed,
            pair=pair_of(scored),
            version=arrival.version,
            strata=strata_of(scored.scanner),
        )
        study = bytes.fromhex(scored.study)
        with self._lock:
            before = self._studies.get(study)
            if before is not None and before.version > seen.version:
                return  # a study's earlier version, handed out again
            self._studies[study] = seen
            if len(self._studies) > MOST_STUDIES:
                self._studies.popitem(last=False)

    def windows(self, now: datetime) -> dict[str, Quality]:
        """The quality in each window. A study whose clock runs ahead of `now` counts as new."""
        return {name: _quality(studies) for name, studies in self._by_window(now).items()}

    def predicted_failed(self, now: datetime) -> dict[str, float]:
        """The share of predicted failures in each window that has studies; raw, so it is no failure rate."""
        return {
            name: fmean(seen.predicted_failed for seen in studies)
            for name, studies in self._by_window(now).items()
            if studies
        }

    def _by_window(self, now: datetime) -> dict[str, Sequence[Seen]]:
        with self._lock:
            studies = tuple(self._studies.values())
        found: dict[str, Sequence[Seen]] = {name: studies[-most:] for name, most in LAST.items()}
        for name, span in WITHIN.items():
            found[name] = [seen for seen in studies if seen.received_at > now - span]
        return found

    def comparison(self) -> Comparison | None:
        """What would change if the shadow counted; None where none has scored a study."""
        with self._lock:
            studies = tuple(islice(reversed(self._studies.values()), MOST_COMPARED))
        return compare(_pairs(studies[::-1]))

    def newest(self) -> datetime | None:
        """When the newest study was received; None before the first."""
        with self._lock:
            return max((seen.received_at for seen in self._studies.values()), default=None)

    def strata(self, now: datetime) -> list[StratumQuality]:
        """The quality of the last 30 days by how the CTs were made."""
        with self._lock:
            studies = tuple(self._studies.values())
        recent = [seen for seen in studies if seen.received_at > now - WITHIN[STRATA_WINDOW]]
        return by_stratum((seen.strata, seen.needs_attention) for seen in recent)


def _pairs(studies: Sequence[Seen]) -> list[ScoredByBoth]:
    return [seen.pair for seen in studies if seen.pair is not None]


def _quality(studies: Sequence[Seen]) -> Quality:
    dice = [seen.predicted_dice for seen in studies if seen.predicted_dice is not None]
    return Quality(
        studies=len(studies),
        needs_attention_ratio=fmean(seen.needs_attention for seen in studies) if studies else None,
        predicted_dice=fmean(dice) if dice else None,
    )
