"""The centre's sites as the log has them: the same folds that the federation service shows, read once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.envelope import decode
from segwatch.contracts.release import Heartbeat, Pulse
from segwatch.contracts.topics import DECISIONS, RELEASE, at_the_centre, site_of
from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH, months_between
from segwatch.errors import BadInput, InvalidMessage
from segwatch.federation.release_records import ReleaseRecords
from segwatch.federation.watched_site import Change, WatchedSite, changed_sites
from segwatch.streaming.decisions import decision_id, decision_record, decisions_in
from segwatch.streaming.log import Log, Record
from segwatch.streaming.operator import checked_reason
from segwatch.streaming.topic_reader import whole_topic


@dataclass(frozen=True)
class Sites:
    """Every site that has a release topic, by name.

    Attributes:
        watched: pulses and decisions of each.
        records: which of each one's records do not count, and have been looked at.
        changes: how each stands; a site without a pulse has none.
        found: those that have changed, alone or judged together.
        decisions: all that was decided, by id.
    """

    watched: Mapping[str, WatchedSite]
    records: Mapping[str, ReleaseRecords]
    changes: Mapping[str, Change]
    found: frozenset[str]
    decisions: Mapping[str, SiteDecision]


def is_a_centre(log: Log) -> bool:
    """Whether sites release into this log."""
    return any(map(site_of, log.topics()))


def read_sites(
    log: Log, pages_a_month: float = PAGES_A_MONTH, dispersion: float = DISPERSION, expected: int = 0
) -> Sites:
    """Read all releases and decisions.

    Args:
        log: the centre's.
        pages_a_month, dispersion: as the federation service is told.
        expected: how many sites it expects; 0 for those that have a topic.

    Raises:
        LogUnavailable, LogRefused: the log is away, or a topic is not ours to read.
    """
    topics = log.identities()
    names = sorted(filter(None, map(site_of, topics)))
    decisions = decisions_in(whole_topic(log, DECISIONS)) if DECISIONS in topics else {}
    watched = {name: WatchedSite(dispersion) for name in names}
    read = {name: ReleaseRecords(topics[at_the_centre(name)]) for name in names}
    for name in names:
        for pulse in first_pulses(whole_topic(log, at_the_centre(name)), read[name]):
            watched[name].take(pulse)
    for decision in decisions.values():
        if decision.site in watched:
            watched[decision.site].decide(decision)
            read[decision.site].look(decision)
    months = months_between(max(expected or len(names), 1), pages_a_month)
    told = {name: site.change(months) for name, site in watched.items()}
    changes = {name: change for name, change in told.items() if change is not None}
    return Sites(watched, read, changes, changed_sites(changes), decisions)


def first_pulses(records: Iterable[Record], read: ReleaseRecords | None = None) -> Iterable[Pulse]:
    """The pulses of a release topic; of those that bear one name the first counts, as federation has it.

    Args:
        records: the whole topic.
        read: takes what does not count.
    """
    read = ReleaseRecords() if read is None else read
    for record in records:
        offset = record.at.offset
        try:
            release = decode(RELEASE, record.key, record.value, record.headers).data
        except InvalidMessage:
            read.refuse(offset)
            continue
        figures = release.root
        if record.key != release.name.encode():
            read.refuse(offset)
        elif isinstance(figures, Heartbeat) or not read.is_first(figures, offset):
            continue
        elif isinstance(figures, Pulse):
            yield figures


def decide(log: Log, sites: Sites, decision: SiteDecision) -> tuple[SiteDecision, bool]:
    """Write a decision about a site behind its last pulse.

    Args:
        log: the centre's.
        sites: as they stand now.
        decision: without the pulse that it follows.

    Returns:
        The decision with its pulse, and whether it is new: made a second time, nothing is written.

    Raises:
        BadInput: there is no such site, it has released nothing yet, no alarm stands there, or a change is
            announced here.
        LogUnavailable, LogRefused: it was not written.
    """
    site = decision.site
    change = _checked(sites, decision)
    name = sites.watched[site].pulses[-1].name
    whole = decision.model_copy(update={"epoch": name.epoch, "pulse": name.number})
    if decision_id(whole) in sites.decisions:
        return whole, False
    if decision.decision == "acknowledge" and change.alarm is None and site not in sites.found:
        raise BadInput(f"no alarm stands at {site}: there is nothing to acknowledge (`segwatch site status`)")
    _write(log, whole)
    return whole, True


def acknowledge_releases(
    log: Log, sites: Sites, name: str, reason: str, who: str, now: datetime
) -> tuple[SiteDecision, bool]:
    """Write that somebody has looked at all records of a site that do not count so far.

    Returns:
        The decision, and whether it is new: made a second time, nothing is written.

    Raises:
        BadInput: there is no such site, all its records count, or the reason is none.
        LogUnavailable, LogRefused: it was not written.
    """
    _known(sites, name)
    records = sites.records[name]
    if records.behind_all is None:
        raise BadInput(
            f"no release of {name} is in conflict or refused: there is nothing to acknowledge"
            " (`segwatch site status`)"
        )
    whole = new_decision(
        "acknowledge_releases",
        name,
        reason,
        who,
        now,
        released_to=records.behind_all,
        release_topic=records.topic,
    )
    if not records.open_conflicts and not records.open_refused:
        return whole, False
    _write(log, whole)
    return whole, True


def new_decision(
    kind: str, site: str, reason: str, who: str, now: datetime, **about: int | str
) -> SiteDecision:
    """A decision that follows no pulse and no study yet; `about` are the other fields that it has.

    Raises:
        BadInput: the reason is empty or longer than 500 letters.
    """
    why = checked_reason(reason)
    return SiteDecision.model_validate(
        {"decision": kind, "site": site, "reason": why, "who": who, "at": now, **about}
    )


def _checked(sites: Sites, decision: SiteDecision) -> Change:
    site = decision.site
    if decision.decision == "announce":
        raise BadInput(
            "a change is announced in the hospital, whose pulses then say so; at the centre there is"
            " `segwatch site rebaseline`"
        )
    _known(sites, site)
    change = sites.changes.get(site)
    if change is None:
        raise BadInput(f"{site} has released no pulse yet: there is nothing to decide")
    return change


def _known(sites: Sites, site: str) -> None:
    if site not in sites.watched:
        raise BadInput(f"there is no site {site!r} here; there are {', '.join(sites.watched) or 'none'}")


def _write(log: Log, decision: SiteDecision) -> None:
    log.require_topics([DECISIONS])
    with log.producer() as producer:
        producer.send([decision_record(decision)])
