"""The hospital's own rolling quality, live and exact: over the last studies, and over the last days.

Windows of days go by event time, when a study was received. A study's latest score is the one that is
shown, so that a newer scorer's view replaces an older one's. None of this leaves the hospital.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import fmean

from segwatch.contracts.studies import StudyScored
from segwatch.serving.comparison import WINDOW, Comparison, Pair, compare, pair_of

LAST: Mapping[str, int] = {"last_20": 20, "last_100": 100}
WITHIN: Mapping[str, timedelta] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
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
    pair: Pair | None = None


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
        """Take a scored record, a study's first or a later one."""
        at = scored.received_at
        seen = Seen(
            at if at.tzinfo else at.replace(tzinfo=UTC),
            scored.needs_attention,
            scored.predicted_dice,
            scored.predicted_failed,
            pair_of(scored),
        )
        with self._lock:
            self._studies[bytes.fromhex(scored.study)] = seen
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


def _pairs(studies: Sequence[Seen]) -> list[Pair]:
    return [seen.pair for seen in studies if seen.pair is not None]


def _quality(studies: Sequence[Seen]) -> Quality:
    dice = [seen.predicted_dice for seen in studies if seen.predicted_dice is not None]
    return Quality(
        studies=len(studies),
        needs_attention_ratio=fmean(seen.needs_attention for seen in studies) if studies else None,
        predicted_dice=fmean(dice) if dice else None,
    )
