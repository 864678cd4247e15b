"""One stream watched: observations and decisions in their order, and the alarm that stands until then."""

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Literal

from segwatch.arrays import Floats
from segwatch.detection.beginning import Beginning, Recent
from segwatch.detection.evidence import Evidence
from segwatch.detection.likelihood import Likelihood
from segwatch.detection.threshold import DISPERSION

Decision = Literal["acknowledge", "rebaseline"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that stands.

    Attributes:
        at: the number of the observation at which it rang, from 0.
        log10_evidence: what there was then.
    """

    at: int
    log10_evidence: float


class Watch:
    """A fold: made again from the same observations and decisions, it says the same.

    Attributes:
        evidence: after the last observation.
        seen: how many observations there were.
        alarm: the one that stands; None while all is well.
        since: the first observation of the baseline in force.
    """

    def __init__(self, dispersion: float = DISPERSION) -> None:
        self.evidence = Evidence.start()
        self.seen = 0
        self.since = 0
        self.alarm: Alarm | None = None
        self._dispersion = dispersion
        self._recent = Recent(self.evidence, 0)
        self._clearest: Watch | None = None

    @property
    def clearest(self) -> "Watch":
        """The watch as it was when most spoke for the alarm that stands; itself where none stands.

        Whoever reads of an alarm reads of the change that rang: what comes later, be it mended or announced
        as another baseline, would make less and less of it, until a page says that nothing has changed.
        """
        return self._clearest or self

    @property
    def log10_evidence(self) -> float:
        """Of a change that has begun; minus infinity where nothing was seen."""
        return float(self.evidence.log10)

    def copy(self) -> "Watch":
        """Another that goes on from here by itself."""
        other = copy(self)
        other._recent = self._recent.copy()
        return other

    def take(self, seen: Likelihood, log10_threshold: float) -> None:
        """The next observation; an alarm rings where the evidence reaches the threshold."""
        self.evidence = self.evidence.after(seen, self._dispersion)
        self._recent.add(seen, self._dispersion)
        self.seen += 1
        if self.alarm is None and self.log10_evidence >= log10_threshold:
            self.alarm = Alarm(self.seen - 1, self.log10_evidence)
        if self.alarm is not None and self.log10_evidence >= self._most:
            self._clearest = self.copy()
            self._clearest._clearest = None  # or each would hold all before it

    def decide(self, decision: Decision) -> None:
        """Somebody has looked. `acknowledge` goes on with the baseline, `rebaseline` learns another."""
        self.alarm = self._clearest = None
        if decision == "rebaseline":
            self.begin_baseline()
        else:
            self._go_on_from(self.evidence.acknowledged())

    def begin_baseline(self) -> None:
        """A change that was announced: another baseline is learnt. An alarm from before it stands on."""
        self.since = self.seen
        self._go_on_from(Evidence.start())

    def beginning(self) -> Beginning | None:
        """When the change began, if there is one."""
        return self.beginning_so_far()()

    def beginning_so_far(self) -> Callable[[], Beginning | None]:
        """Looks for it when it is called, among what was seen until now: that takes milliseconds."""
        recent = self._recent.copy()
        return lambda: recent.beginning(self._dispersion)

    def posterior(self) -> Floats:
        """The chance of each beginning, given a change: an older one, then each remembered observation."""
        return self._recent.posterior(self._dispersion)

    @property
    def _most(self) -> float:
        return -math.inf if self._clearest is None else self._clearest.log10_evidence

    def _go_on_from(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._recent = Recent(evidence, self.seen)
