"""Runs the release path itself, many times, on two neighbouring inputs: what `segwatch privacy audit` judges.

A trial is one portrait's worth of studies through the service as it runs in a hospital: scored records in a
log, its ledger, its audit log, its noise, its releases. Neighbours differ in one study, the first of each
trial, which moves every figure as far as one study can. What a stranger sees is every record in the release
topic: acknowledgements are lost on purpose, so that each block is sent several times; the study is scored a
second time, the other way round; and the service is started again now and then.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.books import SiteContext
from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.aggregation.mechanism.example_study import example_study
from segwatch.aggregation.mechanism.noise import Noise
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Heartbeat, Portrait, Pulse
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import DEAD_LETTERS, DECISIONS, LEDGER, RELEASE, SCORED
from segwatch.errors import LogUnavailable
from segwatch.streaming.embedded.file import LogFile
from segwatch.streaming.embedded.log import EmbeddedLog, EmbeddedProducer
from segwatch.streaming.log import Outgoing, Position, outgoing
from segwatch.streaming.telemetry import Telemetry

SITE = "hospital-audit"
BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""The log flushes every record to the disk: on a real one that would be most of the time."""
AT_ONCE = 5
"""Trials that are fed and counted together: some hundred records, as a service finds them after a pause."""
RESTARTS = 3
GOOD_CELL, BAD_CELL = 4, 0
"""Where the study is in the histogram, in one world and in the other."""

Figures = dict[str, tuple[float, ...]]
"""A block's figures by name: the count, the histogram's cells, a feature's sum of steps."""
Around = Callable[[Path], EmbeddedLog]


@dataclass(frozen=True)
class Run:
    """What one world's trials released.

    Attributes:
        exact: the figures without noise, of each kind of block, by its place in the trial.
        seen: by trial, kind and place: what a stranger sees, the mean over all copies.
        unequal: blocks whose copies differ.
    """

    exact: dict[tuple[str, int], Figures]
    seen: dict[tuple[int, str, int], Figures]
    unequal: int


class ForgetfulLog(EmbeddedLog):
    """A log whose acknowledgement of a release is lost `copies - 1` times, so that it is sent again."""

    def __init__(self, path: Path, copies: int) -> None:
        super().__init__(path)
        self._copies = copies

    def producer(self) -> "ForgetfulProducer":
        return self._made.enter_context(ForgetfulProducer(LogFile(self._path), self._copies))


class ForgetfulProducer(EmbeddedProducer):
    """Appends every time, and says so every `copies`-th time."""

    def __init__(self, file: LogFile, copies: int) -> None:
        super().__init__(file)
        self._copies = copies
        self._sent = 0

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        places = super().send(records)
        if records[0].topic == RELEASE:
            self._sent += 1
            if self._sent % self._copies:
                raise LogUnavailable("the acknowledgement was lost")
        return places


def run_trials(
    policy: SitePolicy,
    trials: int,
    *,
    bad: bool,
    noise: Noise,
    around: Around,
    progress: Callable[[int], None] = lambda _trials: None,
) -> Run:
    """The trials of one world.

    Args:
        policy: the site's.
        trials: how many.
        bad: whether the one study is bad, in which the two worlds differ.
        noise: the service's noise, which is OpenDP's unless a fault is planted.
        around: opens the log.
        progress: told of trials that are done.
    """
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        log = around(Path(folder) / "log.db")
        with log:
            log.create_topics(dict.fromkeys((SCORED, *DEAD_LETTERS, LEDGER, RELEASE, DECISIONS), 1))
            site = SiteContext(
                SITE, policy, Path(folder) / "audit.jsonl", lambda _policy: noise, lambda: BEGIN
            )
            _feed(log, site, trials, bad, progress)
            seen, unequal = _read(log, policy)
    return Run(_exact(policy, bad), seen, unequal)


def _feed(
    log: EmbeddedLog, site: SiteContext, trials: int, bad: bool, progress: Callable[[int], None]
) -> None:
    service = Aggregation(log, site, Telemetry("aggregation"))
    again = max(1, trials // (RESTARTS + 1))
    fed = restarted = 0
    with log.producer() as producer:
        for first in range(0, trials, AT_ONCE):
            if first // again > restarted:
                restarted += 1
                service.close()
                service = Aggregation(log, site, Telemetry("aggregation"))
            numbers = range(first, min(first + AT_ONCE, trials))
            records = [record for trial in numbers for record in _records(site.policy, trial, bad)]
            producer.send(records)
            fed += len(records)
            _count(service, fed)
            progress(len(numbers))
    service.close()


def _count(service: Aggregation, fed: int) -> None:
    """Let the service count all that was fed, and release what is full."""
    done = False
    while not done:
        with suppress(LogUnavailable):
            service.step(0.0)
            done = service.counted_to >= fed


def _records(policy: SitePolicy, trial: int, bad: bool) -> Iterator[Outgoing]:
    """A trial's scored records: the one study, the others, and the one again, scored the other way round."""
    special = _study(policy, trial, 0, bad)
    yield _record(special, "first")
    for place in range(1, policy.portrait_studies):
        yield _record(_study(policy, trial, place, _is_bad(place)), "first")
    yield _record(_study(policy, trial, 0, not bad), "later")


def _is_bad(place: int) -> bool:
    return place % 4 == 0


def _tenths(place: int, bad: bool) -> int:
    """Where in the bounds a study's features lie: the one study at their ends, the others between."""
    return (10 if bad else 0) if place == 0 else place % 11


def _study(policy: SitePolicy, trial: int, place: int, bad: bool) -> StudyScored:
    name = hashlib.sha256(f"{trial}/{place}".encode()).hexdigest()[:32]
    tenths = _tenths(place, bad)
    features: dict[str, float | None] = {
        feature: BOUNDS[feature].value_of(BOUNDS[feature].steps * tenths / 10) for feature in policy.means_of
    }
    return example_study(name, 0.1 if bad else 0.9, BEGIN + timedelta(minutes=place), features)


def _record(study: StudyScored, scorer: str) -> Outgoing:
    name = hashlib.sha256(f"{study.study}/{scorer}".encode()).hexdigest()[:32]
    return outgoing(SCORED, Event(name, SCORED, study.study, "/scoring", BEGIN, study))


def _exact(policy: SitePolicy, bad: bool) -> dict[tuple[str, int], Figures]:
    """The figures without noise, counted here and not by the code that is judged."""
    status = [bad, *(_is_bad(place) for place in range(1, policy.portrait_studies))]
    exact: dict[tuple[str, int], Figures] = {}
    for number in range(policy.portrait_studies // policy.pulse_studies):
        first = number * policy.pulse_studies
        exact["pulse", number] = {"count": (sum(status[first : first + policy.pulse_studies]),)}
    cells = [0] * 7
    cells[BAD_CELL], cells[GOOD_CELL] = sum(status), len(status) - sum(status)
    exact["portrait", 0] = {"histogram": tuple(map(float, cells))}
    for feature in policy.means_of:
        tenths = sum(_tenths(place, is_bad) for place, is_bad in enumerate(status))
        exact["portrait", 0][feature] = (BOUNDS[feature].steps * tenths // 10,)
    return exact


def _read(log: EmbeddedLog, policy: SitePolicy) -> tuple[dict[tuple[int, str, int], Figures], int]:
    """What a stranger makes of every block, the mean of its copies; and how many blocks have unequal ones."""
    copies: dict[tuple[int, str, int], list[Figures]] = {}
    texts: dict[tuple[int, str, int], set[tuple[object, ...]]] = {}
    a_trial = policy.portrait_studies // policy.pulse_studies
    with log.reader([RELEASE]) as reader:
        while not reader.at_end():
            for record in reader.poll(0.0):
                figures = decode(RELEASE, record.key, record.value, record.headers).data.root
                if isinstance(figures, Heartbeat):
                    continue
                trial, place = divmod(figures.number, a_trial if figures.kind == "pulse" else 1)
                name = (trial, figures.kind, place)
                copies.setdefault(name, []).append(_figures(figures))
                texts.setdefault(name, set()).add(
                    (record.key, record.value, record.headers, record.timestamp_ms)
                )
    unequal = sum(len(each) > 1 for each in texts.values())
    return {name: _mean(found) for name, found in copies.items()}, unequal


def _figures(block: Pulse | Portrait) -> Figures:
    if isinstance(block, Pulse):
        return {"count": (block.needs_attention,)}
    sums: Figures = {"histogram": tuple(map(float, block.histogram))}
    for mean in block.means:
        bound = BOUNDS[mean.feature]
        steps = (mean.mean - bound.low) / (bound.high - bound.low) * bound.steps * block.k
        sums[mean.feature] = (float(round(steps)),)
    return sums


def _mean(copies: Sequence[Figures]) -> Figures:
    return {
        name: tuple(
            sum(values) / len(copies) for values in zip(*(each[name] for each in copies), strict=True)
        )
        for name in copies[0]
    }
