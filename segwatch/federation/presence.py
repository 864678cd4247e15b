"""Whether a site is there: what its own releases say of gaps, epochs and its pace. A fold; pure.

Heartbeats and pulses lie in one topic, in order, and heartbeats come on a fixed schedule: so the time between
two pulses is counted in heartbeats, by no clock of anybody's. While a site is silent no time passes here;
silence is another matter.
"""

from collections import deque
from dataclasses import dataclass, field

from segwatch.contracts.release import Heartbeat, Portrait, Pulse

REMEMBERED_GAPS = 40
"""Over how many of the last gaps between pulses a pace is taken: a busy site's week, a small one's year."""
FEWEST_GAPS = 3
"""Before so many a site has no pace of its own."""


@dataclass
class Presence:
    """One site's, taken from the first record of each name.

    Attributes:
        epoch: the highest that was seen; 0 before the first record. A higher one means that the ledger was
            lost, or put back from a copy.
        without_pulse_seconds: how long the site has beaten since its last pulse.
    """

    epoch: int = 0
    without_pulse_seconds: float = 0.0
    _gaps: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED_GAPS))
    _pulsed: bool = False
    _numbers: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """By epoch and kind: how many numbers were seen, and the highest."""

    def take(self, figures: Heartbeat | Pulse | Portrait) -> None:
        """The next record of the topic that is no copy."""
        self.epoch = max(self.epoch, figures.epoch)
        if isinstance(figures, Heartbeat):
            self.without_pulse_seconds += figures.interval_seconds
            return
        seen = self._numbers.setdefault((figures.epoch, figures.kind), [0, -1])
        seen[0] += 1
        seen[1] = max(seen[1], figures.number)
        if isinstance(figures, Pulse):
            if self._pulsed:
                self._gaps.append(self.without_pulse_seconds)
            self._pulsed = True
            self.without_pulse_seconds = 0.0

    def missing(self, kind: str) -> int:
        """How many blocks below the highest number of their epoch did not come: numbers have no gaps."""
        return sum(highest + 1 - count for (_, of), (count, highest) in self._numbers.items() if of == kind)

    def pace_seconds(self) -> float | None:
        """The mean time between the last pulses; None before there are FEWEST_GAPS.

        Examples:
            >>> Presence().pace_seconds() is None
            True
        """
        return sum(self._gaps) / len(self._gaps) if len(self._gaps) >= FEWEST_GAPS else None
