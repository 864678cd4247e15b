"""How long after a fault who was hit does its work again.

The clock starts when the fault is over: the broker was started again, the store is back, the frozen was
woken; for a kill, with the kill. It stands still while another fault keeps away what the hit one needs.
Recovered is who says that it is ready and, where it is a stage, has committed a record since or has none
waiting.
"""

from dataclasses import dataclass, field

from tests.faults.watcher import Seen

NEEDS = {
    "ingest": frozenset({"hospital", "store"}),
    "segmentation": frozenset({"hospital", "store"}),
    "features": frozenset({"hospital", "store"}),
    "scoring": frozenset({"hospital"}),
    "aggregation": frozenset({"hospital"}),
    "federation": frozenset({"centre"}),
    "bridge": frozenset({"hospital", "centre"}),
}


@dataclass
class Recovering:
    """One part after one fault."""

    part: str
    since: float
    committed: int
    seconds: float = 0.0


@dataclass
class Recoveries:
    """Times the recovery of every part after every fault; `took` holds the longest of each fault's parts."""

    took: dict[int, float] = field(default_factory=dict)
    _under: dict[int, list[Recovering]] = field(default_factory=dict)

    def begin(self, parts: tuple[str, ...], seen: Seen, now: float) -> None:
        """A fault is over that has hit these."""
        number = len(self.took) + len(self._under)
        self._under[number] = [Recovering(part, now, seen.committed.get(part, 0)) for part in parts]

    def step(self, seen: Seen, touched: frozenset[str], seconds: float) -> None:
        """So many seconds have gone by, and this is what was seen last."""
        for number, parts in list(self._under.items()):
            for each in parts:
                if not (NEEDS[each.part] | {each.part}) & touched:
                    each.seconds += seconds
            still = [each for each in parts if not _works(each, seen)]
            longest = max(each.seconds for each in parts)
            if still:
                self._under[number] = still
                self.took_at_least(number, [each for each in parts if each not in still])
            else:
                del self._under[number]
                self.took[number] = max(longest, self._so_far.pop(number, 0.0))

    _so_far: dict[int, float] = field(default_factory=dict)

    def took_at_least(self, number: int, done: list[Recovering]) -> None:
        """Some parts of a fault have recovered already."""
        self._so_far[number] = max([self._so_far.get(number, 0.0), *(each.seconds for each in done)])

    @property
    def waiting(self) -> list[str]:
        """Who has not recovered yet."""
        return sorted({each.part for parts in self._under.values() for each in parts})


def _works(each: Recovering, seen: Seen) -> bool:
    if seen.at <= each.since:
        return False
    if each.part == "bridge":
        return seen.bridged
    if each.part not in seen.ready:
        return False
    if each.part not in NEEDS or each.part not in ("segmentation", "features", "scoring"):
        return True
    lag = seen.lag.get(each.part)
    return lag == 0 or (lag is not None and seen.committed[each.part] > each.committed)
