"""What every fault works with, and how it waits: faults are generators that the main loop steps, so that many
are under way at once and every process is started and ended by one thread.
"""

import random
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from segwatch.streaming.log import Outgoing, Position
from tests.faults.site import FaultSite
from tests.faults.studies import Studies
from tests.faults.watcher import Watcher

Steps = Generator[None, None, bool]
"""A fault under way; it yields while it waits, and returns whether it really happened."""


@dataclass
class Hands:
    """The site, and everything that faults do to it.

    Attributes:
        chance: seeded.
        pace: 1 in a run of ten minutes; shorter runs have shorter faults.
        clock: seconds that only go forward.
        poison: writes of records that can never be processed, under way or done.
        broken: what did not hold during a fault, in words.
    """

    site: FaultSite
    watcher: Watcher
    studies: Studies
    chance: random.Random
    pace: float
    clock: Callable[[], float]
    poison: list["Future[list[Position]]"] = field(default_factory=list)
    writes: list["Future[list[Position]]"] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def lasting(self, low: float, high: float, least: float = 1.0) -> float:
        """Seconds drawn between two, at this run's pace."""
        return max(least, self.chance.uniform(low, high) * self.pace)

    def wait(self, seconds: float) -> Steps:
        """Wait so long."""
        return (yield from self.until(lambda: False, seconds))

    def until(self, holds: Callable[[], bool], seconds: float) -> Steps:
        """Wait until something holds, but no longer than so many seconds; whether it did."""
        end = self.clock() + seconds
        while not holds():
            if self.clock() >= end:
                return False
            yield
        return True

    def put(self, records: Iterable[Outgoing]) -> "Future[list[Position]]":
        """Write records to the hospital's log, as soon as it takes them."""
        self.writes.append(self.watcher.put(list(records)))
        return self.writes[-1]


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: as it is shown.
        needs: parts that no other fault may touch meanwhile.
        hits: who must do its work again afterwards; from then on recovery is timed.
        act: does it.
    """

    name: str
    needs: frozenset[str]
    hits: tuple[str, ...]
    act: Callable[[Hands], Steps]
