"""The hospital's own rolling quality, live and exact: over the last studies, and over the last days.

Windows of days go by event time, when a study was received. A study's latest score is the one that is
shown, so that a newer scorer's view replaces an older one's. None of this leaves the hospital.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean

from segwatch.contracts.studies import StudyScored

LAST: Mapping[str, int] = {"last_20": 20, "last_100": 100}
WITHIN: Mapping[str, timedelta] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
MOST_STUDIES = 50_000
"""A bound on memory: 30 days of a hospital with more than three times 500 CTs a day."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the windows need of a study."""

    received_at: datetime
    needs_attention: bool
    predicted_dice: float | None


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
            at if at.tzinfo else at.replace(tzinfo=UTC), scored.needs_attention, scored.predicted_dice
        )
        with self._lock:
            self._studies[bytes.fromhex(scored.study)] = seen
            if len(self._studies) > MOST_STUDIES:
                self._studies.popitem(last=False)

    def windows(self, now: datetime) -> dict[str, Quality]:
        """The quality in each window. A study whose clock runs ahead of `now` counts as new."""
        with self._lock:
            studies = tuple(self._studies.values())
        qualities = {name: _quality(studies[-most:]) for name, most in LAST.items()}
        for name, span in WITHIN.items():
            qualities[name] = _quality([seen for seen in studies if seen.received_at > now - span])
        return qualities


def _quality(studies: Sequence[Seen]) -> Quality:
    dice = [seen.predicted_dice for seen in studies if seen.predicted_dice is not None]
    return Quality(
        studies=len(studies),
        needs_attention_ratio=fmean(seen.needs_attention for seen in studies) if studies else None,
        predicted_dice=fmean(dice) if dice else None,
    )
