"""Reads every site's release topic at the centre into the fleet. The log is the state."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from segwatch.contracts.envelope import decode
from segwatch.contracts.release import Heartbeat
from segwatch.contracts.topics import DECISIONS, EXCESS, at_the_centre, site_of
from segwatch.detection.dispersion import Spread
from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH
from segwatch.errors import InvalidMessage, LogRefused, Transient
from segwatch.federation.watched_site import Change
from segwatch.streaming.log import Log, Record
from services.federation.accounting import Account
from services.federation.fleet import Fleet, SiteReleases
from services.federation.reading import ReleaseReader
from services.federation.readings import Readings
from services.federation.sharing import Sharing

NAME = "federation"
LOOK_SECONDS = 10.0
"""How often new sites are looked for: a site is added by hand, a few times a year."""
_log = logging.getLogger(__name__)


class Federation:
    """The fleet, kept up to date. After a fault it is made again from nothing, and shown when it is complete.

    Args:
        log: the centre's.
        expected: the sites whose releases are awaited; empty for every site that has a topic.
        window_pulses: over how many pulses a site's rolling quality is taken.
        pages_a_month, dispersion: see `Fleet`.
        clock: seconds that only grow.
        wall_clock: the centre's time, as a Unix time.
        look_around: shows how the log itself is; called whenever new sites are looked for.
        sharing: the other members, where the sites are shared out; alone, all are read here.
    """

    def __init__(
        self,
        log: Log,
        expected: tuple[str, ...],
        window_pulses: int,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        *,
        pages_a_month: float = PAGES_A_MONTH,
        dispersion: float = DISPERSION,
        look_around: Callable[[], None] = lambda: None,
        sharing: Sharing | None = None,
    ) -> None:
        self._log = log
        self._expected = expected
        self._window = window_pulses
        self._pages_a_month = pages_a_month
        self._dispersion = dispersion
        self._look_around = look_around
        self._clock = clock
        self._wall_clock = wall_clock
        self._sharing = sharing
        self._fleet = self._empty()
        self._shown: Fleet | None = None
        self._readings = Readings(log, clock)
        self._there: dict[str, str] = {}
        self._missing: set[str] = set()
        self._accounts: dict[str, Account] = {name: Account(topic=None) for name in expected}
        self._listening_since: float | None = None
        self._look_at = clock()
        self._reading = ReleaseReader()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the topics at start is in what is shown."""
        return self._shown is self._fleet

    def sites(self) -> Mapping[str, SiteReleases]:
        """The sites as they are shown, for another thread to read; none before all was read once: a figure
        of half a topic is no figure.
        """
        return {} if self._shown is None else self._shown.shown()

    def accounts(self) -> Mapping[str, Account]:
        """What is known of each awaited site beside its releases, for another thread to read."""
        return dict(self._accounts)

    def listening_since(self) -> float | None:
        """Since when releases are read as they come, as a Unix time of the centre's clock; None while they
        are not. What came before has no arrival, so nobody is silent before a heart could beat."""
        return self._listening_since

    def changes(self) -> Mapping[str, Change]:
        """What the detector says of the sites as they are shown, for another thread to read."""
        return {} if self._shown is None else self._shown.changes()

    def others(self) -> Mapping[str, float]:
        """What other members told of the sites that are not shown here (`Change.log10_excess`)."""
        shown = self._shown
        if self._sharing is None or shown is None:
            return {}
        return self._sharing.others(shown.everywhere, shown.shown())

    def spread(self) -> Spread:
        """How much the counts that are shown vary against the model, for another thread to read."""
        return Spread() if self._shown is None else self._shown.spread()

    def step(self, timeout_seconds: float) -> None:
        """Look for new sites where it is time to, and read what came.

        Raises:
            LogUnavailable, LogRefused: call again later; everything is read anew then.
        """
        try:
            self._read_on(timeout_seconds)
        except (Transient, LogRefused):
            self._start_again()
            raise

    def close(self) -> None:
        """Let the connections go."""
        self._readings.close()
        if self._sharing is not None:
            self._sharing.close()

    def _read_on(self, timeout_seconds: float) -> None:
        if self._clock() >= self._look_at:
            self._look()
        has_place = self._take_over()
        for records, ended in self._readings.poll(timeout_seconds):
            for record in records:
                self._take(record)
            self._is_whole(ended)
        changes = self._fleet.changes()  # here, so that a scrape need not wait for years of pulses
        if not self.caught_up and has_place and self._readings.whole:
            self._shown = self._fleet
            self._listening_since = self._wall_clock()
        if self._sharing is not None and self.caught_up:
            excess = {name: change.log10_excess for name, change in changes.items()}
            self._sharing.tell({name: excess.get(name) for name in self._fleet.shown()})

    def _is_whole(self, topics: Iterable[str]) -> None:
        """All that lay in them was taken: they may be shown, and from now on we hear when a heart beats."""
        if self._sharing is None:
            return
        for name in filter(None, map(site_of, topics)):
            self._accounts[name] = replace(self._accounts[name], taken_over_at=self._wall_clock())
            self._fleet.coming.discard(name)

    def _start_again(self) -> None:
        """Read everything anew; until that is done, the figures of before are shown, where they are ours."""
        for name in filter(None, map(site_of, self._readings.topics)):
            self._forget(name)
        self.close()
        self._listening_since = None
        if self._sharing is not None:
            self._shown = None  # others may have our sites by now
        self._fleet = self._empty()
        self._there, self._look_at = {}, self._clock()

    def _look(self) -> None:
        """See which topics there are."""
        self._look_around()
        if self._sharing is not None:
            self._log.require_topics([EXCESS])
        found = self._log.identities()
        there = {
            topic: identity
            for topic, identity in found.items()
            if (site := site_of(topic)) is not None and (not self._expected or site in self._expected)
        }
        self._account(there)
        sites = frozenset((*self._expected, *map(_name, there)))
        there |= {topic: found[topic] for topic in self._own_topics() if topic in found}
        self._read_anew_where_remade(there)
        self._there, self._fleet.everywhere = there, sites
        self._look_at = self._clock() + LOOK_SECONDS

    def _own_topics(self) -> Sequence[str]:
        """The centre's own, which every member reads."""
        return (DECISIONS,) if self._sharing is None else (DECISIONS, EXCESS)

    def _take_over(self) -> bool:
        """Read what is ours now, and nothing else; whether we have a place among the members."""
        own = self._there.keys() & self._own_topics()
        shared: frozenset[str] | None = frozenset(self._there.keys() - own)
        if self._sharing is not None:
            shared = self._sharing.held(self._there.keys() - own)
        ours = own | (shared or frozenset())
        self._let_go(self._readings.topics.keys() - ours)
        self._begin(ours - self._readings.topics.keys())
        return shared is not None

    def _begin(self, topics: Collection[str]) -> None:
        self._readings.begin({topic: self._there[topic] for topic in topics})
        for name in filter(None, map(site_of, topics)):
            if self._sharing is not None:
                self._fleet.coming.add(name)
            self._fleet.site(name).records.topic = self._there[at_the_centre(name)]
        if topics:
            _log.info("reading %s", ", ".join(sorted(topics)))

    def _let_go(self, topics: Collection[str]) -> None:
        """Others have these now."""
        self._readings.drop(topics)
        for name in filter(None, map(site_of, topics)):
            self._fleet.drop(name)
            self._forget(name)
        if topics:
            _log.info("others have %s", ", ".join(sorted(topics)))

    def _forget(self, name: str) -> None:
        """When a site was heard by us is no news once it is another's."""
        if self._sharing is not None and name in self._accounts:
            self._accounts[name] = Account(topic=self._accounts[name].topic)

    def _account(self, there: Iterable[str]) -> None:
        """Note which topics are there. A site that was known once is awaited from then on."""
        names = set(map(_name, there))
        for name in names | self._accounts.keys():
            known = self._accounts.get(name, Account(topic=True))
            self._accounts[name] = replace(known, topic=name in names)
        self._say_missing({at_the_centre(name) for name in self._accounts.keys() - names})

    def _read_anew_where_remade(self, there: Mapping[str, str]) -> None:
        """A place in a topic that is gone, or was made again, is none."""
        remade = sorted(
            topic for topic, identity in self._readings.topics.items() if there.get(topic) != identity
        )
        if remade:
            _log.error("deleted, or deleted and made again: %s; every topic is read anew", ", ".join(remade))
            self._start_again()

    def _say_missing(self, missing: set[str]) -> None:
        if missing and missing != self._missing:
            _log.warning(
                "waiting for topics that are not there: %s; the platform makes them when a site joins",
                ", ".join(sorted(missing)),
            )
        self._missing = missing

    def _take(self, record: Record) -> None:
        """What is no release is counted as refused, and changes nothing else."""
        if record.at.topic == DECISIONS:
            self._decide(record)
            return
        if record.at.topic == EXCESS and self._sharing is not None:
            self._sharing.take(record)
            return
        name = _name(record.at.topic)
        try:
            release = self._reading.read(record)
        except InvalidMessage as error:
            self._fleet.site(name).records.refuse(record.at.offset)
            _log.error("refused a record", extra={"of": name, "offset": record.at.offset, "why": str(error)})
        else:
            site = self._fleet.site(name)
            before, conflicts = site.heartbeat, site.conflicts
            self._fleet.take(name, release, record.at.offset)
            if site.conflicts > conflicts:
                _log.error("a release in conflict", extra={"of": name, "offset": record.at.offset})
            listens = self.caught_up and name not in self._fleet.coming
            if listens and isinstance(release.root, Heartbeat):
                self._note_arrival(name, release.root, first=site.heartbeat is not before)

    def _note_arrival(self, name: str, heartbeat: Heartbeat, *, first: bool) -> None:
        known = self._accounts.get(name, Account(topic=True))
        self._accounts[name] = known.heard(heartbeat, self._wall_clock(), first=first)

    def _decide(self, record: Record) -> None:
        try:
            event = decode(DECISIONS, record.key, record.value, record.headers)
        except InvalidMessage as error:
            _log.error("passed over a decision", extra={"offset": record.at.offset, "why": str(error)})
        else:
            self._fleet.decide(event.id, event.data)

    def _empty(self) -> Fleet:
        fleet = Fleet(self._window, pages_a_month=self._pages_a_month, dispersion=self._dispersion)
        for name in self._expected if self._sharing is None else ():
            fleet.site(name)
        return fleet


def _name(topic: str) -> str:
    site = site_of(topic)
    assert site is not None
    return site
