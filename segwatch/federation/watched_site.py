"""One site's pulses and the decisions about it, watched: what federation shows and `segwatch site` prints."""

import math
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType

from segwatch.contracts.decisions import PulseName, SiteDecision
from segwatch.contracts.excess import LEAST_LOG10
from segwatch.contracts.release import Pulse
from segwatch.detection.dispersion import Counted, Spread, SpreadSoFar
from segwatch.detection.likelihood import of_count
from segwatch.detection.threshold import DISPERSION, PulseRate, log10_threshold
from segwatch.detection.together import found_together
from segwatch.detection.watch import Watch
from segwatch.federation.seen_pulses import SeenPulse, SeenPulses
from segwatch.statistics.laplace import variance

NOBODY: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Begun:
    """When the change began, by the pulses' names and coarse dates."""

    name: PulseName
    closed: date


Beginnings = tuple[Begun, Begun, Begun]
"""Of a change: median, and the ends of its 90 % interval."""


@dataclass(frozen=True)
class Change:
    """What the watch says of a site after its last pulse.

    Attributes:
        log10_evidence, log10_threshold: the alarm rings where the first reaches the second.
        alarm: the name of the pulse at which the alarm that stands rang.
        before, since: the share that needed attention before a change and since, if there is one. Of an alarm
            that stands these, its beginning and the studies since are as they were when most spoke for it.
        baseline: the share of the baseline in force, and the first pulse of it.
        pulses_a_month: None while it is not known.
    """

    log10_evidence: float
    log10_threshold: float
    alarm: PulseName | None
    before: float
    since: float
    baseline: float
    baseline_from: PulseName
    pulses_a_month: float | None
    _looked: Callable[[], tuple[Beginnings, int]] = field(repr=False, compare=False)

    @property
    def begun(self) -> Beginnings:
        """When a change began if there is one."""
        return self._beginning[0]

    @property
    def studies_since(self) -> int:
        """How many studies there were since its median beginning."""
        return self._beginning[1]

    @property
    def log10_excess(self) -> float:
        """Logarithm of the evidence over the threshold; 0 where an alarm stands, LEAST_LOG10 without any."""
        over = self.log10_evidence - self.log10_threshold
        return 0.0 if self.alarm else min(max(over, LEAST_LOG10), 0.0)

    @cached_property
    def _beginning(self) -> tuple[Beginnings, int]:
        """Milliseconds of work, so not before somebody asks: of most sites nobody does."""
        return self._looked()


@dataclass
class WatchedSite:
    """A fold over a site's pulses, in the topic's order, and the decisions about it, each behind its pulse.

    A decision may be read after later pulses: then everything is folded anew, so that it makes no difference.
    """

    dispersion: float = DISPERSION
    pulses: SeenPulses = field(default_factory=SeenPulses)
    decisions: list[SiteDecision] = field(default_factory=list)
    _fold: "_Fold | None" = field(default=None, repr=False, compare=False)
    _change: Change | None = field(default=None, repr=False, compare=False)
    _spread: SpreadSoFar = field(default_factory=SpreadSoFar, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, pulse: Pulse) -> None:
        """The next pulse, the first that bears its name."""
        self.pulses.append(pulse)
        self._spread.take(Counted(pulse.needs_attention, pulse.k, variance(1 / pulse.epsilon)))

    def decide(self, decision: SiteDecision) -> None:
        """The next decision about the site, the first that bears its id; one about records is none here."""
        if decision.decision == "acknowledge_releases":
            return
        with self._lock:
            self.decisions.append(decision)
            self._fold = None

    def change(self, months: float) -> Change | None:
        """How things stand; None before the first pulse. Costs nothing where nothing came.

        Args:
            months: between two false pages of the site, see `segwatch.detection.threshold`.
        """
        with self._lock:  # a scrape may ask while the service reads
            if not self.pulses:
                return None
            fold = self._fold
            if fold is not None and fold.months != months:
                fold = self._fold = fold if fold.judges_alike_by(months) else None
                self._change = None
            if fold is None:
                fold = self._fold = _Fold(months, self.dispersion, sorted(self.decisions, key=follows))
                self._change = None
            if self._change is None or fold.watch.seen < len(self.pulses):
                for seen in self.pulses[fold.watch.seen :]:
                    fold.take(seen)
                fold.decide_after(self.pulses[-1].name)
                self._change = self._told(fold)
            return self._change

    def spread(self) -> Spread:
        """How much the counts vary against the model, over the whole history."""
        return self._spread.spread

    def _told(self, fold: "_Fold") -> Change:
        watch, told = fold.watch, fold.watch.clearest
        last = told.seen - 1
        find, pulses = told.beginning_so_far(), self.pulses

        def looked() -> tuple[Beginnings, int]:
            found = find()
            places = (last, last, last) if found is None else (found.median, found.low, found.high)
            median, low, high = (Begun(pulses[place].name, pulses[place].closed) for place in places)
            return (median, low, high), sum(seen.k for seen in pulses[places[0] : last + 1])

        baseline = watch.evidence.baseline().mean
        before, since = told.evidence.before_and_since() or (baseline, baseline)
        return Change(
            log10_evidence=watch.log10_evidence,
            log10_threshold=fold.log10_threshold,
            alarm=None if watch.alarm is None else self.pulses[watch.alarm.at].name,
            before=before,
            since=since,
            baseline=baseline,
            baseline_from=self.pulses[min(watch.since, len(self.pulses) - 1)].name,
            pulses_a_month=fold.volume.a_month(),
            _looked=looked,
        )


def changed_sites(changes: Mapping[str, Change], others: Mapping[str, float] = NOBODY) -> frozenset[str]:
    """The sites that have changed, each alone or with others; one whose alarm stands is among them.

    Args:
        changes: what is known of each site that is watched here.
        others: `Change.log10_excess` of those that are watched elsewhere, which are judged with them.
    """
    return found_together({**others, **{name: change.log10_excess for name, change in changes.items()}})


def _known(pace: float) -> float | None:
    return None if math.isnan(pace) else pace


class _Fold:
    """Pulses and decisions taken in their order, under one rule of how often a false page may come.

    What was seen does not depend on the rule, only what is enough does: so where the rule changes, as it does
    for every site when one more hospital joins, little is folded anew.
    """

    def __init__(self, months: float, dispersion: float, decisions: Sequence[SiteDecision]) -> None:
        self.months = months
        self.watch = Watch(dispersion)
        self.volume = PulseRate()
        self.log10_threshold = self.volume.log10_threshold(months)
        self._evidence, self._paces = array("d"), array("d")
        """Behind each pulse; a pace that is not known is none (NaN)."""
        self._decided_at = 0
        self._waiting = list(decisions)
        self._announced = (0, 0)

    def take(self, seen: SeenPulse) -> None:
        """The next pulse, behind the decisions that follow an earlier one."""
        while self._waiting and follows(self._waiting[0]) < seen.name:
            self._decide()
        epoch, changes = self._announced
        if seen.changes is not None and seen.name.epoch >= epoch:
            if seen.name.epoch == epoch and seen.changes > changes:
                self.watch.begin_baseline()
            self._announced = (seen.name.epoch, max(seen.changes, changes if seen.name.epoch == epoch else 0))
        self.volume.add(seen.closed)
        self.log10_threshold = self.volume.log10_threshold(self.months)
        self.watch.take(of_count(seen.noised, seen.k, seen.epsilon), self.log10_threshold)
        pace = self.volume.a_month()
        self._evidence.append(self.watch.log10_evidence)
        self._paces.append(math.nan if pace is None else pace)

    def judges_alike_by(self, months: float) -> bool:
        """Whether the same alarm stands by another rule, as if that had held from the first pulse on. Then it
        holds from now on; if not, all is to be folded anew."""
        rings = (
            at
            for at in range(self._decided_at, len(self._evidence))
            if self._evidence[at] >= log10_threshold(_known(self._paces[at]), months)
        )
        alarm = self.watch.alarm
        if next(rings, None) != (None if alarm is None else alarm.at):
            return False
        self.months = months
        self.log10_threshold = self.volume.log10_threshold(months)
        return True

    def decide_after(self, last: PulseName) -> None:
        """The decisions that follow the last pulse, or one before it."""
        while self._waiting and follows(self._waiting[0]) <= last:
            self._decide()

    def _decide(self) -> None:
        match self._waiting.pop(0).decision:
            case "acknowledge" | "rebaseline" as decision:
                self.watch.decide(decision)
                self._decided_at = self.watch.seen


def follows(decision: SiteDecision) -> PulseName:
    """The pulse behind which it is folded; before all where it names none."""
    return decision.follows or PulseName(0, 0)
