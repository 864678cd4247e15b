"""How much evidence is enough: set for the whole centre, by what a false page costs those who read it."""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import date, timedelta

DISPERSION = 1.25
"""By how much the variance of real counts exceeds the model's: patients repeat, weekends differ."""
UNKNOWN_VOLUME = 250.0
"""The threshold, in pulses, of a site whose volume is not known yet."""
PAGES_A_MONTH = 1.0
"""False pages that the operators of the centre bear, from all sites together."""
MONTHS_A_PAGE = 12.0
"""At most one false page a year for a site, however few sites there are."""
DAYS_A_MONTH = 365.25 / 12
VOLUME_OVER = timedelta(days=182)
KNOWN_AFTER = timedelta(days=56)
"""Dates that leave may be cut to the month: a volume from fewer days would be half wrong."""


def months_between(sites: int, pages_a_month: float = PAGES_A_MONTH) -> float:
    """How many months there shall be between two false pages of one site, at least.

    Args:
        sites: how many are watched.
        pages_a_month: false pages a month that are borne, over all sites.

    Examples:
        >>> months_between(2), months_between(40)
        (12.0, 40.0)
    """
    return max(MONTHS_A_PAGE, sites / pages_a_month)


def log10_threshold(a_month: float | None, months: float, studies_a_step: int = 1) -> float:
    """The threshold for the evidence, as a logarithm to base 10.

    Args:
        a_month: pulses that the site closes a month; None while that is not known.
        months: see `months_between`.
        studies_a_step: observations in a pulse: 1 where pulses are observed, k where studies are.
    """
    pulses = UNKNOWN_VOLUME if a_month is None else a_month * months
    return math.log10(max(pulses, 1.0) * studies_a_step)


@dataclass
class PulseRate:
    """How many pulses a month a site closes, by the coarse dates that its pulses bear.

    Of the last half year, without the last day, week or month, which is not over. A date before the one that
    came last takes back what a wrong clock had dated later.
    """

    _dates: deque[date] = field(default_factory=deque)

    def add(self, closed: date) -> None:
        """The next pulse was closed on that date, or in its week or month."""
        while self._dates and self._dates[-1] > closed:
            self._dates.pop()
        self._dates.append(closed)
        while closed - self._dates[0] > VOLUME_OVER:  # no date is computed: a site may name the year 1
            self._dates.popleft()

    def a_month(self) -> float | None:
        """Pulses a month; None until enough days are known."""
        if not self._dates:
            return None
        first, last = self._dates[0], self._dates[-1]
        if last - first < KNOWN_AFTER:
            return None
        of_last = next(number for number, day in enumerate(reversed(self._dates)) if day < last)
        return (len(self._dates) - of_last) / (last - first).days * DAYS_A_MONTH

    def log10_threshold(self, months: float, studies_a_step: int = 1) -> float:
        """The threshold for the evidence at the pace that is known now, see `log10_threshold`."""
        return log10_threshold(self.a_month(), months, studies_a_step)
