"""One run: studies go through the site while faults happen; then everything must come to its end."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import on_data, on_logs, on_processes
from tests.faults.aftermath import audit_problems, evidence_of, restarted_from_nothing
from tests.faults.hands import Fault, Hands
from tests.faults.invariants import Verdict, judge
from tests.faults.recovery import Recoveries
from tests.faults.schedule import Schedule
from tests.faults.settled import Settled
from tests.faults.site import FaultSite
from tests.faults.studies import Studies
from tests.faults.watcher import Watcher

TICK_SECONDS = 0.1
SAY_EVERY_SECONDS = 15.0
FULL_PACE_MINUTES = 8.0
"""Runs this long have faults as long as the issue asks (a broker away for a minute); shorter ones shorter."""
SESSION_SECONDS = 45.0
SHORT_SESSION_SECONDS = 10.0
SHORT_MINUTES = 4.0
"""Below, a session of 45 s, which a frozen process must outlast, would be most of the run."""
STUDIES_SHARE, FAULTS_SHARE = 0.85, 0.95
"""Of the minutes, during which studies come and faults begin."""
LONGEST_GAP_SECONDS = 9.0


@dataclass(frozen=True)
class FaultRunOptions:
    """What a run shall be."""

    seed: int
    studies: int
    minutes: float


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    studies: int
    faults: tuple[str, ...]
    verdict: Verdict
    broken: tuple[str, ...]
    recoveries: tuple[float, ...]

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.broken

    def problems(self) -> list[str]:
        """Everything that did not hold, in words."""
        verdict = self.verdict
        lists = {"lost": verdict.lost, "doubled": verdict.doubled, "copies differ of": verdict.changed}
        listed = [f"{what} {', '.join(sorted(map(str, which)))}" for what, which in lists.items() if which]
        return [*listed, *verdict.broken, *self.broken]

    def figures(self) -> dict[str, float]:
        """The numbers that are printed last."""
        took = self.recoveries
        return {
            "studies": self.studies,
            "faults": len(self.faults),
            "lost": len(self.verdict.lost),
            "doubled": len(self.verdict.doubled),
            "blocks_changed": len(self.verdict.changed),
            "recovery_median_s": round(statistics.median(took), 1) if took else 0.0,
            "recovery_worst_s": round(max(took), 1) if took else 0.0,
        }


@dataclass
class Run:
    """A run in a folder; `close` ends whatever it started, at any moment."""

    asked: FaultRunOptions
    folder: Path
    say: Callable[[str], None]
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        asked = self.asked
        session = SESSION_SECONDS if asked.minutes >= SHORT_MINUTES else SHORT_SESSION_SECONDS
        self._site = FaultSite(self.folder, session)
        self._watcher = Watcher(self._site)
        seconds = asked.minutes * 60
        self._studies = Studies(
            self._site.inbox, self._site.secret, asked.seed, asked.studies, seconds * STUDIES_SHARE
        )
        self._recoveries = Recoveries()
        kinds = [*on_processes.faults(), *on_logs.faults(), *on_data.faults()]
        gap = min(LONGEST_GAP_SECONDS, seconds * FAULTS_SHARE / len(kinds))
        chance = random.Random(asked.seed)
        self._hands = Hands(
            site=self._site,
            watcher=self._watcher,
            studies=self._studies,
            chance=chance,
            pace=min(1.0, asked.minutes / FULL_PACE_MINUTES),
            clock=time.monotonic,
        )
        self._schedule = Schedule(kinds, random.Random(chance.random()), gap, self.say, self._lifted)

    def __call__(self) -> Outcome:
        """Start the site, let everything happen, wait for the end, and judge.

        Raises:
            NotReady: the site did not come up.
        """
        asked, site = self.asked, self._site
        self.say(f"starting: two brokers, the bridge, six services; the hospital's disk is {site.disk.how}")
        site.start()
        self._watcher.start()
        self.say(
            f"{asked.studies} studies, {len(self._schedule.kinds)} kinds of faults, {asked.minutes:g} minutes"
            f", seed {asked.seed}, sessions of {site.session_seconds:g} s"
        )
        self._studies.start()
        end = time.monotonic() + asked.minutes * 60
        self._turn(lambda: time.monotonic() < end, faults_until=end - asked.minutes * 60 * (1 - FAULTS_SHARE))
        self.say("no more faults; waiting until everything has come to its end")
        settled = Settled(self._hands, self._recoveries)
        self._turn(lambda: bool(self._schedule.under) or not settled.over(), faults_until=0.0)
        broken = [*self._hands.broken, *settled.problems]
        self.say("starting aggregation and federation from nothing, and reading every topic")
        counted, tails, differ = restarted_from_nothing(site)
        self._watcher.close()
        differ += audit_problems(site)
        verdict = judge(evidence_of(self._hands, counted, tails))
        return Outcome(
            self._studies.dropped,
            tuple(self._schedule.happened),
            verdict,
            (*broken, *differ),
            tuple(self._recoveries.took.values()),
        )

    def close(self) -> None:
        """End every process and take the disk away."""
        try:
            self._watcher.stop()
            self._studies.close()
        finally:
            self._site.stop()

    def _turn(self, going: Callable[[], bool], faults_until: float) -> None:
        said, last = 0.0, time.monotonic()
        while going():
            now = time.monotonic()
            for happened in self._site.tend():
                self.say(f"  {happened}")
            self._schedule.step(self._hands, begin=now < faults_until)
            self._recoveries.step(self._watcher.seen, self._schedule.touched(), now - last)
            last = now
            if now - said > SAY_EVERY_SECONDS:
                said = now
                self.say(self._how_far())
            time.sleep(TICK_SECONDS)

    def _lifted(self, fault: Fault) -> None:
        self._recoveries.begin(fault.hits, self._watcher.seen, time.monotonic())

    def _how_far(self) -> str:
        every = self._studies.every()
        watcher = self._watcher
        return (
            f"studies: {self._studies.dropped} brought, {len(every & watcher.scored)} scored,"
            f" {len(watcher.dead)} dead letters' keys; {len(watcher.blocks)} blocks at the centre;"
            f" faults: {len(self._schedule.happened)} done, {len(self._schedule.under)} under way"
        )
