"""Which heartbeats of a site came: their slots, of all time, in little memory. Pure.

A bridge that starts anew, or a topic that is made again, sends years of heartbeats a second time. Were old
ones forgotten, they would count as a heart that beats, and as time without a pulse.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

MOST_RANGES = 10_000
"""Of one site, a few a year for an honest one; beyond, the oldest is forgotten."""


@dataclass
class Slots:
    """Numbers that were seen, as ranges: heartbeats follow one another, so that years of them are a few."""

    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    """Behind the last number of each range."""

    def add(self, number: int) -> bool:
        """See a number; whether it is the first time.

        Examples:
            >>> slots = Slots()
            >>> [slots.add(number) for number in (7, 8, 7, 6, 9, 6)]
            [True, True, False, True, True, False]
        """
        at = bisect_right(self._starts, number)
        if at and number < self._ends[at - 1]:
            return False
        before = at > 0 and self._ends[at - 1] == number
        behind = at < len(self._starts) and self._starts[at] == number + 1
        if before and behind:
            self._ends[at - 1] = self._ends.pop(at)
            self._starts.pop(at)
        elif before:
            self._ends[at - 1] += 1
        elif behind:
            self._starts[at] = number
        else:
            self._starts.insert(at, number)
            self._ends.insert(at, number + 1)
            del self._starts[:-MOST_RANGES], self._ends[:-MOST_RANGES]
        return True
