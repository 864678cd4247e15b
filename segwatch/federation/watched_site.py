"""One site's pulses and the decisions about it, watched: what federation shows and `segwatch site` prints."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from segwatch.contracts.decisions import PulseName, SiteDecision
from segwatch.contracts.release import Pulse
from segwatch.detection.dispersion import Counted, Spread, spread_of
from segwatch.detection.likelihood import of_count
from segwatch.detection.threshold import DISPERSION, PulseRate
from segwatch.detection.together import found_together
from segwatch.detection.watch import Watch
from segwatch.statistics.laplace import variance


class SeenPulse(NamedTuple):
    """What is remembered of a pulse; a few dozen bytes, since all are."""

    name: PulseName
    k: int
    epsilon: float
    noised: int
    closed: date
    changes: int | None


@dataclass(frozen=True, slots=True)
class Begun:
    """When the change began, by the pulses' names and coarse dates."""

    name: PulseName
    closed: date


@dataclass(frozen=True, slots=True)
class Change:
    """What the watch says of a site after its last pulse.

    Attributes:
        log10_evidence, log10_threshold: the alarm rings where the first reaches the second.
        alarm: the name of the pulse at which the alarm that stands rang.
        begun: when a change began if there is one: median, and the ends of its 90 % interval.
        before, since: the share that needed attention before it and since.
        studies_since: how many studies there were since its median beginning. Of an alarm that stands all
            these are as they were when most spoke for it.
        baseline: the share of the baseline in force, and the first pulse of it.
        pulses_a_month: None while it is not known.
    """

    log10_evidence: float
    log10_threshold: float
    alarm: PulseName | None
    begun: tuple[Begun, Begun, Begun]
    before: float
    since: float
    studies_since: int
    baseline: float
    baseline_from: PulseName
    pulses_a_month: float | None


@dataclass
class WatchedSite:
    """A fold over a site's pulses, in the topic's order, and the decisions about it, each behind its pulse.

    A decision may be read after later pulses: then everything is folded anew, so that it makes no difference.
    """

    dispersion: float = DISPERSION
    pulses: list[SeenPulse] = field(default_factory=list)
    decisions: list[SiteDecision] = field(default_factory=list)
    _fold: "_Fold | None" = field(default=None, repr=False, compare=False)
    _change: Change | None = field(default=None, repr=False, compare=False)
    _spread: tuple[int, Spread] = field(default=(0, Spread()), repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, pulse: Pulse) -> None:
        """The next pulse, the first that bears its name."""
        name = PulseName(pulse.epoch, pulse.number)
        seen = SeenPulse(name, pulse.k, pulse.epsilon, pulse.needs_attention, pulse.closed, pulse.changes)
        self.pulses.append(seen)

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
            if fold is None or fold.months != months:
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
        pulses = list(self.pulses)
        if len(pulses) != self._spread[0]:
            self._spread = len(pulses), self._measured(pulses)
        return self._spread[1]

    @staticmethod
    def _measured(pulses: Sequence[SeenPulse]) -> Spread:
        return spread_of([Counted(seen.noised, seen.k, variance(1 / seen.epsilon)) for seen in pulses])

    def _told(self, fold: "_Fold") -> Change:
        watch, told = fold.watch, fold.watch.clearest
        last = told.seen - 1
        found = told.beginning()
        places = (last, last, last) if found is None else (found.median, found.low, found.high)
        median, low, high = (Begun(self.pulses[place].name, self.pulses[place].closed) for place in places)
        baseline = watch.evidence.baseline().mean
        before, since = told.evidence.before_and_since() or (baseline, baseline)
        return Change(
            log10_evidence=watch.log10_evidence,
            log10_threshold=fold.log10_threshold,
            alarm=None if watch.alarm is None else self.pulses[watch.alarm.at].name,
            begun=(median, low, high),
            before=before,
            since=since,
            studies_since=sum(seen.k for seen in self.pulses[places[0] : told.seen]),
            baseline=baseline,
            baseline_from=self.pulses[min(watch.since, len(self.pulses) - 1)].name,
            pulses_a_month=fold.volume.a_month(),
        )


def changed_sites(changes: Mapping[str, Change]) -> frozenset[str]:
    """The sites that have changed, each alone or with others; one whose alarm stands is among them."""
    return found_together(
        {
            name: 0.0 if change.alarm else change.log10_evidence - change.log10_threshold
            for name, change in changes.items()
        }
    )


class _Fold:
    """Pulses and decisions taken in their order, under one rule of how often a false page may come."""

    def __init__(self, months: float, dispersion: float, decisions: Sequence[SiteDecision]) -> None:
        self.months = months
        self.watch = Watch(dispersion)
        self.volume = PulseRate()
        self.log10_threshold = self.volume.log10_threshold(months)
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

    def decide_after(self, last: PulseName) -> None:
        """The decisions that follow the last pulse, or one before it."""
        while self._waiting and follows(self._waiting[0]) <= last:
            self._decide()

    def _decide(self) -> None:
        match self._waiting.pop(0).decision:
            case "acknowledge" | "rebaseline" as decision:
                self.watch.decide(decision)


def follows(decision: SiteDecision) -> PulseName:
    """The pulse behind which it is folded; before all where it names none."""
    return decision.follows or PulseName(0, 0)
