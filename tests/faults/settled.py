"""When a run is over: everything that went in has come to its end, and nobody lent a hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from segwatch.contracts.topics import SCORED
from tests.faults.hands import Hands
from tests.faults.recovery import Recoveries
from tests.faults.site import EVERY, STAGES

STUCK_SECONDS = 240.0
"""Longer than any wait of the services themselves; more without movement means that something is stuck."""
PULSE, PORTRAIT = 20, 100


@dataclass
class Settled:
    """Looks whether anything is still on its way.

    Attributes:
        problems: what has not come to its end although nothing moved for STUCK_SECONDS.
    """

    hands: Hands
    recoveries: Recoveries
    clock: Callable[[], float] = time.monotonic
    problems: list[str] = field(default_factory=list)
    _progress: object = None
    _moved: float = 0.0

    def over(self) -> bool:
        """Whether the run is over, be it because nothing moves any more."""
        awaited = self._awaited()
        if awaited is None:
            return True
        progress = self._how_far()
        if progress != self._progress:
            self._progress, self._moved = progress, self.clock()
        if self.clock() - self._moved > STUCK_SECONDS:
            self.problems.append(f"nothing has moved for {STUCK_SECONDS:g} s, and still {awaited}")
            return True
        return False

    def _awaited(self) -> str | None:
        """What is still on its way, in words; None where everything has come to its end."""
        watcher, studies = self.hands.watcher, self.hands.studies
        if not studies.done:
            return "studies are brought"
        waiting = [path.name for path in self.hands.site.inbox.iterdir() if not path.name.startswith(".")]
        if waiting:
            return f"{len(waiting)} entries lie in the inbox"
        if not all(write.done() for write in self.hands.writes):
            return "records are put in"
        ended = watcher.scored | {studies.cases.get(name, name) for name in watcher.dead}
        if studies.every() - ended:
            return f"{len(studies.every() - ended)} studies are on their way"
        behind = [stage for stage in STAGES if watcher.seen.lag.get(stage) != 0]
        if behind:
            return f"{', '.join(behind)} have records to read"
        return self._blocks() or self._parts()

    def _blocks(self) -> str | None:
        scored = {record.key for record in self.hands.watcher.records[SCORED]} & {
            study.encode() for study in self.hands.studies.every()
        }
        due = len(scored) // PULSE + len(scored) // PORTRAIT
        there = len(self.hands.watcher.blocks)
        return f"{due - there} blocks are to arrive at the centre" if there < due else None

    def _parts(self) -> str | None:
        missing = sorted(set(EVERY) - self.hands.watcher.seen.ready)
        if missing:
            return f"{', '.join(missing)} are not ready"
        if self.recoveries.waiting:
            return f"{', '.join(self.recoveries.waiting)} have not recovered"
        return None

    def _how_far(self) -> object:
        watcher = self.hands.watcher
        return (
            sum(map(len, watcher.records.values())),
            len(watcher.blocks),
            sum(watcher.seen.committed.values()),
            self.hands.studies.dropped,
            len(watcher.seen.ready),
            self.recoveries.waiting,
        )
