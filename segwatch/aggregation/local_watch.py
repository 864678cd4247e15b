"""The hospital's own detector: study by study, without noise, and made again from the ledger.

A closed pulse's ledger record says what each of its studies was to the detector and which decisions came
between them, so the state is a fold over the ledger and the open tail, whatever the scored topic has
forgotten since. Nothing of it leaves but a nameless counter of changes.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from segwatch.aggregation.mechanism.slots import Slot
from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.identity import digest_of
from segwatch.contracts.ledger import BlockClosed, PulseWatched
from segwatch.contracts.release import Pulse
from segwatch.contracts.studies import StudyScored
from segwatch.detection.beginning import MOST
from segwatch.detection.likelihood import Likelihood, of_count, of_ratio
from segwatch.detection.threshold import MONTHS_A_PAGE, PulseRate
from segwatch.detection.watch import Watch

NEW_AFTER = 3
"""So many studies of a pulse by a model or scorer that was never met are a change: one may be a trial."""
SAYS_NOTHING = 1.0
DIGITS = 4
Act = tuple[int, Literal["acknowledge", "rebaseline", "announce"]]
FAILED = float("inf")


@dataclass(frozen=True, slots=True)
class LocalChange:
    """How the hospital stands by its own detector.

    Attributes:
        log10_evidence, log10_threshold: the alarm rings where the first reaches the second.
        alarm: whether one stands.
        pulse: number of the pulse with which the alarm's change began; the open one's where it
            began there, or where no alarm stands. low, high: its 90 % interval.
        began: coarse date of that pulse; None where it is the open one. began_low, began_high: of the ends.
        studies_since: how many studies there were since.
        before, since: the share of failed studies before the change and since. Of an alarm that stands all
            these are as they were when most spoke for it.
    """

    log10_evidence: float
    log10_threshold: float
    alarm: bool
    pulse: int
    low: int
    high: int
    began: date | None
    began_low: date | None
    began_high: date | None
    studies_since: int
    before: float
    since: float


class LocalWatch:
    """The fold. `follow` takes closed pulses, `look` the open one; `take_decision` what people decided."""

    def __init__(self) -> None:
        self.changes = 0
        self._watch = Watch()
        self._volume = PulseRate()
        self._makers: set[str] = set()
        self._decided_to = 0
        self._waiting: list[tuple[int, SiteDecision]] = []
        self._blocks: deque[tuple[int, int, date]] = deque(maxlen=MOST)
        self._closed = 0

    def open_epoch(self) -> None:
        """A new ledger: its numbers begin anew, and so does the counter of changes. The baseline stays."""
        self.changes = 0
        self._closed = 0

    def take_decision(self, offset: int, decision: SiteDecision) -> None:
        """The next record of the decisions' topic, the first that bears its id."""
        if offset >= self._decided_to:
            self._waiting.append((offset, decision))

    def closing(self, slots: Sequence[Slot]) -> PulseWatched:
        """What the ledger shall say of the pulse that these slots fill."""
        return self._seen_of(slots, whole=True)

    def follow(self, block: BlockClosed) -> None:
        """The next closed pulse; one from before there was a detector is taken as its noised count."""
        figures = block.figures
        assert isinstance(figures, Pulse)
        self._blocks.append((self._watch.seen, figures.number, figures.closed))
        self._closed = figures.number + 1
        if block.watched is None:
            count = of_count(figures.needs_attention, figures.k, figures.epsilon)
            self._watch.take(count, self._log10_threshold(figures.k))
        else:
            self._adopt(block.watched, figures.k)
        self._volume.add(figures.closed)  # last, so that the open pulse was judged by the same threshold

    def look(self, tail: Sequence[Slot], k: int) -> LocalChange | None:
        """How things stand with the open pulse's studies, of which k will fill it; None before the first."""
        watch = self._watch.copy()
        self._fold(watch, self._seen_of(tail, whole=False), k)
        return self._told(watch, k) if watch.seen else None

    def _adopt(self, seen: PulseWatched, k: int) -> None:
        self._fold(self._watch, seen, k)
        self.changes += announced(seen)
        self._makers |= set(seen.makers)
        self._decided_to = seen.decided_to
        self._waiting = [each for each in self._waiting if each[0] >= self._decided_to]

    def _log10_threshold(self, k: int) -> float:
        return self._volume.log10_threshold(MONTHS_A_PAGE, k)

    def _fold(self, watch: Watch, seen: PulseWatched, k: int) -> None:
        threshold = self._log10_threshold(k)
        acts = deque(seen.decisions)
        for index, ratio in enumerate(seen.ratios):
            _act(watch, acts, index)
            watch.take(_likelihood(ratio), threshold)
        _act(watch, acts, len(seen.ratios))

    def _seen_of(self, slots: Sequence[Slot], *, whole: bool) -> PulseWatched:
        """Of a whole pulse, or of the open one, whose end decisions may follow that are not placed yet."""
        acts, decided_to = self._placed(slots, whole=whole)
        several = _several(slots)
        fresh = min((at for maker, at in several.items() if maker not in self._makers), default=None)
        if fresh is not None and self._makers:
            acts = sorted([*acts, (fresh, "announce")], key=lambda act: act[0])
        return PulseWatched(
            ratios=tuple(_ratio(slot.scored) for slot in slots),
            decisions=tuple(acts),
            decided_to=decided_to,
            makers=tuple(several),
        )

    def _placed(self, slots: Sequence[Slot], *, whole: bool) -> tuple[list[Act], int]:
        """Before which slot each waiting decision comes, and the offset behind the last that has a place."""
        acts: list[Act] = []
        decided_to = self._decided_to
        for offset, decision in self._waiting:
            place = _place(slots, decision)
            if place == len(slots) and whole:
                break
            if decision.decision != "acknowledge_releases":  # the centre's, and about no study
                acts.append((place, decision.decision))
            decided_to = offset + 1
        return acts, decided_to

    def _told(self, watch: Watch, k: int) -> LocalChange:
        told = watch.clearest
        begun = told.beginning() if watch.alarm is not None else None
        last = told.seen - 1
        places = (last, last, last) if begun is None else (begun.median, begun.low, begun.high)
        median, low, high = (self._pulse_of(place) for place in places)
        level = watch.evidence.baseline().mean
        before, since = told.evidence.before_and_since() or (level, level)
        return LocalChange(
            log10_evidence=watch.log10_evidence,
            log10_threshold=self._log10_threshold(k),
            alarm=watch.alarm is not None,
            pulse=median[0],
            low=low[0],
            high=high[0],
            began=median[1],
            began_low=low[1],
            began_high=high[1],
            studies_since=told.seen - places[0],
            before=before,
            since=since,
        )

    def _pulse_of(self, place: int) -> tuple[int, date | None]:
        """The number and date of the pulse that an observation is in; of the open pulse it has no date."""
        if place >= self._watch.seen:
            return self._closed, None
        oldest = self._blocks[0]
        found = next((block for block in reversed(self._blocks) if block[0] <= place), oldest)
        return found[1], found[2]


def announced(seen: PulseWatched) -> int:
    """How many changes began in the pulse: announced, or by a model or scorer that was never met before."""
    return sum(act == "announce" for _, act in seen.decisions)


def _act(watch: Watch, acts: deque[Act], index: int) -> None:
    """What was decided before the study at `index`."""
    while acts and acts[0][0] <= index:
        decision = acts.popleft()[1]
        if decision == "announce":
            watch.begin_baseline()
        else:
            watch.decide(decision)


def _likelihood(ratio: float | None) -> Likelihood:
    return of_ratio(FAILED if ratio is None else ratio)


def _ratio(scored: StudyScored | None) -> float | None:
    """What the study says: None that it counts as failed, 0 that it is good. Undefined is never good."""
    if scored is None:
        return SAYS_NOTHING
    if scored.failure_ratio is not None and scored.status == "scored":
        return float(f"{scored.failure_ratio:.{DIGITS}g}")
    return None if scored.needs_attention else 0.0


def _maker(scored: StudyScored) -> str:
    """A digest of the lesion model and the scorer that a study went through."""
    return digest_of([scored.model.sha256 if scored.model else None, scored.scorer.sha256])


def _several(slots: Iterable[Slot]) -> dict[str, int]:
    """Each model and scorer that NEW_AFTER studies went through, and the index of the last of those."""
    met: Counter[str] = Counter()
    found: dict[str, int] = {}
    for index, slot in enumerate(slots):
        if slot.scored is not None:
            maker = _maker(slot.scored)
            met[maker] += 1
            if met[maker] == NEW_AFTER:
                found[maker] = index
    return found


def _place(slots: Sequence[Slot], decision: SiteDecision) -> int:
    """The index of the first slot that the decision does not follow."""
    behind = decision.scored_to or 0
    return next(
        (index for index, slot in enumerate(slots) if slot.offset is not None and slot.offset >= behind),
        len(slots),
    )
