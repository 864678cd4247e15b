"""Which fault comes when: seeded, in random order, and several at once where they touch different parts."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.hands import Fault, Hands, Steps

MOST_AT_ONCE = 4


@dataclass
class Under:
    """A fault under way."""

    fault: Fault
    steps: Steps
    since: float


@dataclass
class Schedule:
    """Begins a fault every `gap` seconds, every kind once in random order before any kind again.

    Args:
        kinds: of faults.
        chance: seeded.
        gap: mean seconds between two beginnings.
        say: told what begins and ends.
        lifted: told which fault is over.
    """

    kinds: Sequence[Fault]
    chance: random.Random
    gap: float
    say: Callable[[str], None]
    lifted: Callable[[Fault], None]
    happened: list[str] = field(default_factory=list)
    under: list[Under] = field(default_factory=list)
    _waiting: deque[Fault] = field(default_factory=deque)
    _next_at: float = 0.0

    def step(self, hands: Hands, *, begin: bool) -> None:
        """Go on with what is under way; begin another where it is time."""
        now = hands.clock()
        if begin and now >= self._next_at and len(self.under) < MOST_AT_ONCE:
            self._begin(hands, now)
            self._next_at = now + self.gap * self.chance.uniform(0.4, 1.6)
        for under in list(self.under):
            try:
                next(under.steps)
            except StopIteration as end:
                self.under.remove(under)
                self._end(under, end.value, now)

    def touched(self) -> frozenset[str]:
        """Parts that a fault has in its hands now."""
        return frozenset().union(*(under.fault.needs for under in self.under))

    def _begin(self, hands: Hands, now: float) -> None:
        if not self._waiting:
            self._waiting.extend(self.chance.sample(self.kinds, len(self.kinds)))
        touched = self.touched()
        fault = next((each for each in self._waiting if not each.needs & touched), None)
        if fault is None:
            return
        self._waiting.remove(fault)
        self.say(f"fault: {fault.name}")
        self.under.append(Under(fault, fault.act(hands), now))

    def _end(self, under: Under, happened: bool, now: float) -> None:
        if not happened:
            self.say(f"its moment did not come: {under.fault.name}")
            return
        self.happened.append(under.fault.name)
        if now - under.since > 1:
            self.say(f"over after {now - under.since:.0f} s: {under.fault.name}")
        self.lifted(under.fault)
