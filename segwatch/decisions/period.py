"""What happened at a site in a period: quality, alarms, decisions, versions. For a meeting or a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from segwatch.aggregation.ledger.fold import CountedEntry, fold
from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.aggregation.local_watch import LocalWatch
from segwatch.contracts.decisions import PulseName, SiteDecision
from segwatch.contracts.envelope import decode
from segwatch.contracts.ledger import BlockClosed, EpochOpened
from segwatch.contracts.release import Pulse
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import StudyScored, verdict_of
from segwatch.contracts.topics import DECISIONS, LEDGER, SCORED, SCORER_DECISIONS, at_the_centre
from segwatch.decisions.centre import first_pulses
from segwatch.detection.threshold import DISPERSION
from segwatch.errors import BadInput, InvalidMessage
from segwatch.federation.share import share_of
from segwatch.federation.watched_site import WatchedSite, follows
from segwatch.scoring.reviewed import SiteReviews
from segwatch.serving.decisions import ScorerDecisions
from segwatch.streaming.decisions import decisions_in
from segwatch.streaming.log import Log, Record
from segwatch.streaming.topic_reader import whole_topic

WEEKS_SHOWN = 26
"""A longer period is shown by month."""


@dataclass(frozen=True)
class Period:
    """Days, both ends among them."""

    begin: date
    end: date

    def __post_init__(self) -> None:
        if self.begin > self.end:
            raise BadInput(f"--from {self.begin} is after --to {self.end}")

    def has(self, day: date) -> bool:
        """Whether the day is in it."""
        return self.begin <= day <= self.end

    def part_of(self, day: date) -> date:
        """The first day of the week or month that the day is shown in."""
        if self.end - self.begin <= timedelta(weeks=WEEKS_SHOWN):
            return day - timedelta(days=day.weekday())
        return day.replace(day=1)


@dataclass(frozen=True)
class QualityOver:
    """The share of studies that need attention over some days, with its 95 % interval.

    Attributes:
        begin: the first of them.
        ratio, low, high: None where there was no study: undefined is never good.
    """

    begin: date
    studies: int
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AlarmTold:
    """An alarm that rang in the period.

    Attributes:
        rang: coarse date of the pulse at which it rang.
        began: when the change began, as far as that pulse told: the median, and the 90 % interval.
        before, since: share needing attention before it and since.
    """

    rang: date
    began: tuple[date | None, date | None, date | None]
    before: float
    since: float


@dataclass(frozen=True)
class SitePeriod:
    """The whole report's content.

    Attributes:
        exact: whether the counts are a hospital's own, without noise.
        parts: by week or month, each that had a study. whole: the period.
        verdicts: of the hospital's own studies; empty at the centre.
        changes: how many changes of scanner, model or scorer were announced or made.
        versions: what made and judged the masks, and under which policy.
        scorers: who made which scorer count; in a hospital.
        predicted_failed: of the hospital's own studies, undefined ones among them.
        reviews: of the hospital, that a scorer's bundle holds: whenever they were made.
    """

    site: str
    period: Period
    exact: bool
    parts: tuple[QualityOver, ...]
    whole: QualityOver
    alarms: tuple[AlarmTold, ...]
    decisions: tuple[SiteDecision, ...]
    changes: int | None
    versions: tuple[str, ...]
    verdicts: tuple[tuple[str, int], ...] = ()
    scorers: tuple[ScorerDecision, ...] = ()
    reviews: SiteReviews | None = None
    predicted_failed: int = 0


def period_at_centre(
    log: Log, site: str, period: Period, months: float, dispersion: float = DISPERSION
) -> SitePeriod:
    """The period from a site's releases.

    Args:
        log: the centre's.
        months: between two false pages of a site, as the federation service is told.

    Raises:
        BadInput: the site has no release topic here.
        LogUnavailable, LogRefused: the log is away.
    """
    topic = at_the_centre(site)
    if topic not in log.topics():
        raise BadInput(f"there is no site {site!r} here (`segwatch site status` names those that there are)")
    decisions = _decisions(log, site)
    pulses = list(first_pulses(whole_topic(log, topic)))
    inside = [pulse for pulse in pulses if period.has(pulse.closed)]
    made = {f"model {pulse.model.shown}" for pulse in inside if pulse.model}
    made |= {f"scorer {pulse.scorer.shown}" for pulse in inside if pulse.scorer}
    made |= {
        f"policy {pulse.policy_version}: pulses of {pulse.k} studies, epsilon {pulse.epsilon:g}"
        for pulse in inside
    }
    counted = [pulse.changes for pulse in inside if pulse.changes is not None]
    return SitePeriod(
        site=site,
        period=period,
        exact=False,
        parts=tuple(
            _noised(day, list(group))
            for day, group in groupby(
                sorted(inside, key=_closed), key=lambda each: period.part_of(each.closed)
            )
        ),
        whole=_noised(period.begin, inside),
        alarms=tuple(_alarms_at_centre(pulses, decisions, period, months, dispersion)),
        decisions=tuple(each for each in decisions if period.has(each.at.date())),
        changes=counted[-1] - counted[0] if counted else None,
        versions=tuple(sorted(made)),
    )


def period_in_hospital(log: Log, site: str, period: Period, reviews: SiteReviews | None = None) -> SitePeriod:
    """The period from a hospital's own scores: exact, and never to leave it.

    Args:
        reviews: what was reviewed there; None where nothing was.

    Raises:
        LogUnavailable, LogRefused: the log is away.
    """
    studies: dict[str, StudyScored] = {}
    for record in whole_topic(log, SCORED):
        try:
            scored = decode(SCORED, record.key, record.value, record.headers).data
        except InvalidMessage:
            continue
        if period.has(scored.received_at.date()):
            studies[scored.study] = scored
    seen = sorted(studies.values(), key=lambda each: each.received_at)
    made = {f"scorer {each.scorer.shown}" for each in seen}
    made |= {f"model {each.model.shown}" for each in seen if each.model}
    return SitePeriod(
        site=site,
        period=period,
        exact=True,
        parts=tuple(
            _exact(day, list(group))
            for day, group in groupby(seen, key=lambda each: period.part_of(each.received_at.date()))
        ),
        whole=_exact(period.begin, seen),
        alarms=tuple(_alarms_in_hospital(whole_topic(log, LEDGER), period)),
        decisions=tuple(each for each in _decisions(log, site) if period.has(each.at.date())),
        changes=None,
        versions=tuple(sorted(made)),
        verdicts=tuple(sorted(Counter(map(verdict_of, seen)).items())),
        scorers=tuple(each for each in _scorers(log) if period.has(each.at.date())),
        reviews=reviews,
        predicted_failed=sum(each.predicted_failed for each in seen),
    )


def _noised(begin: date, pulses: Sequence[Pulse]) -> QualityOver:
    return _over(
        begin, [(pulse.needs_attention, pulse.k) for pulse in pulses], [each.epsilon for each in pulses]
    )


def _exact(begin: date, studies: Sequence[StudyScored]) -> QualityOver:
    return _over(begin, [(int(each.needs_attention), 1) for each in studies], [])


def _over(begin: date, counted: Sequence[tuple[int, int]], epsilons: Sequence[float]) -> QualityOver:
    """Of counts and of how many each is; without an epsilon there is no noise, and the interval is exact."""
    if not counted:
        return QualityOver(begin, 0, None, None, None)
    counts, sizes = zip(*counted, strict=True)
    share = share_of(counts, sizes, epsilons)
    return QualityOver(begin, share.studies, share.ratio, share.low, share.high)


def _alarms_at_centre(
    pulses: Iterable[Pulse],
    decisions: Sequence[SiteDecision],
    period: Period,
    months: float,
    dispersion: float,
) -> Iterable[AlarmTold]:
    """The fold once more, looked at behind each pulse: an alarm rings where none stood or another did.

    A decision is taken before the pulse after the one it follows: what was decided on at once rang too.
    """
    watched, standing = WatchedSite(dispersion), None
    waiting = sorted(decisions, key=follows)
    for pulse in pulses:
        while waiting and follows(waiting[0]) < PulseName(pulse.epoch, pulse.number):
            watched.decide(waiting.pop(0))
        watched.take(pulse)
        change = watched.change(months)
        alarm = None if change is None else change.alarm
        if change is not None and alarm not in {None, standing} and period.has(pulse.closed):
            median, low, high = (begun.closed for begun in change.begun)
            yield AlarmTold(pulse.closed, (median, low, high), change.before, change.since)
        standing = alarm


def _alarms_in_hospital(records: Iterable[Record], period: Period) -> Iterable[AlarmTold]:
    watch, stood = LocalWatch(), False
    for found in fold(Ledger(), records):
        if not isinstance(found, CountedEntry):
            continue
        if isinstance(found.entry, EpochOpened):
            watch.open_epoch()
        if not isinstance(found.entry, BlockClosed) or not isinstance(found.entry.figures, Pulse):
            continue
        watch.follow(found.entry)
        change = watch.look((), found.entry.figures.k)
        if change is None:
            continue
        closed = found.entry.closed_at.date()
        if change.alarm and not stood and period.has(closed):
            yield AlarmTold(closed, (change.began, None, None), change.before, change.since)
        stood = change.alarm


def _decisions(log: Log, site: str) -> list[SiteDecision]:
    if DECISIONS not in log.topics():
        return []
    return [each for each in decisions_in(whole_topic(log, DECISIONS)).values() if each.site == site]


def _scorers(log: Log) -> list[ScorerDecision]:
    return ScorerDecisions(log).all() if SCORER_DECISIONS in log.topics() else []


def _closed(pulse: Pulse) -> date:
    return pulse.closed
