"""What is remembered of a site's pulses: a few dozen bytes each, since a thousand sites have millions."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import NamedTuple, overload

from segwatch.contracts.decisions import PulseName
from segwatch.contracts.release import Pulse

UNTOLD = -1


class SeenPulse(NamedTuple):
    """One pulse as the detector takes it."""

    name: PulseName
    k: int
    epsilon: float
    noised: int
    closed: date
    changes: int | None


def _floats() -> "array[float]":
    return array("d")


@dataclass
class SeenPulses(Sequence[SeenPulse]):
    """Pulses in the order in which they came; each field is an array."""

    _epochs: "array[int]" = field(default_factory=partial(array, "q"))
    _numbers: "array[int]" = field(default_factory=partial(array, "q"))
    _ks: "array[int]" = field(default_factory=partial(array, "h"))
    _epsilons: "array[float]" = field(default_factory=_floats)
    _noised: "array[int]" = field(default_factory=partial(array, "i"))
    _days: "array[int]" = field(default_factory=partial(array, "i"))
    _changes: "array[int]" = field(default_factory=partial(array, "q"))

    def append(self, pulse: Pulse) -> None:
        """The next one."""
        self._epochs.append(pulse.epoch)
        self._numbers.append(pulse.number)
        self._ks.append(pulse.k)
        self._epsilons.append(pulse.epsilon)
        self._noised.append(pulse.needs_attention)
        self._days.append(pulse.closed.toordinal())
        self._changes.append(UNTOLD if pulse.changes is None else pulse.changes)

    def __len__(self) -> int:
        return len(self._changes)  # the last that is written: another thread may look meanwhile

    def __iter__(self) -> Iterator[SeenPulse]:
        return map(self._at, range(len(self)))

    @overload
    def __getitem__(self, place: int) -> SeenPulse: ...
    @overload
    def __getitem__(self, place: slice) -> list[SeenPulse]: ...
    def __getitem__(self, place: int | slice) -> SeenPulse | list[SeenPulse]:
        if isinstance(place, slice):
            return [self._at(each) for each in range(*place.indices(len(self)))]
        return self._at(range(len(self))[place])

    def _at(self, place: int) -> SeenPulse:
        changes = self._changes[place]
        return SeenPulse(
            PulseName(self._epochs[place], self._numbers[place]),
            self._ks[place],
            self._epsilons[place],
            self._noised[place],
            date.fromordinal(self._days[place]),
            None if changes == UNTOLD else changes,
        )
