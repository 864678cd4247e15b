"""Reads every site's release topic at the centre into the fleet. The log is the state."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from segwatch.contracts.envelope import decode
from segwatch.contracts.release import Heartbeat
from segwatch.contracts.topics import DECISIONS, at_the_centre, site_of
from segwatch.detection.dispersion import Spread
from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH
from segwatch.errors import InvalidMessage, LogRefused, Transient
from segwatch.federation.watched_site import Change
from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Reader, Record
from services.federation.accounting import Account
from services.federation.fleet import Fleet, SiteReleases
from services.federation.reading import ReleaseReader

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
    ) -> None:
        self._log = log
        self._expected = expected
        self._window = window_pulses
        self._pages_a_month = pages_a_month
        self._dispersion = dispersion
        self._look_around = look_around
        self._clock = clock
        self._wall_clock = wall_clock
        self._fleet = self._empty()
        self._shown: Fleet | None = None
        self._readers: list[Reader] = []
        self._read: dict[str, str] = {}
        self._there: set[str] = set()
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
        return {} if self._shown is None else dict(self._shown.sites)

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
        for reader in self._readers:
            bounded(reader.close, "a reader of releases")
        self._readers = []

    def _read_on(self, timeout_seconds: float) -> None:
        if self._clock() >= self._look_at:
            self._look()
        for reader in self._readers:
            for record in reader.poll(timeout_seconds / len(self._readers)):
                self._take(record)
        self._fleet.changes()  # here, so that a scrape need not wait for years of pulses
        if self._fleet is not self._shown and all(reader.at_end() for reader in self._readers):
            self._shown = self._fleet
            self._listening_since = self._wall_clock()

    def _start_again(self) -> None:
        """Read everything anew; until that is done, the figures of before are shown."""
        self.close()
        self._listening_since = None
        self._fleet = self._empty()
        self._read, self._look_at = {}, self._clock()

    def _look(self) -> None:
        """Open a reader for the topics that are new: one for all of them, whatever their number."""
        self._look_around()
        found = self._log.identities()
        there = {
            topic: identity
            for topic, identity in found.items()
            if (site := site_of(topic)) is not None and (not self._expected or site in self._expected)
        }
        self._account(there)
        there |= {topic: found[topic] for topic in (DECISIONS,) if topic in found}
        self._read_anew_where_remade(there)
        new = sorted(there.keys() - self._read.keys())
        if new:
            self._readers.append(self._log.reader(new))
            self._read.update({topic: there[topic] for topic in new})
            for topic in new:
                if topic != DECISIONS:
                    self._fleet.site(_name(topic)).records.topic = there[topic]
            _log.info("reading %s", ", ".join(new))
        self._look_at = self._clock() + LOOK_SECONDS

    def _account(self, there: Iterable[str]) -> None:
        """Note which topics are there. A site that was known once is awaited from then on."""
        names = set(map(_name, there))
        for name in names | self._accounts.keys():
            known = self._accounts.get(name, Account(topic=True))
            self._accounts[name] = replace(known, topic=name in names)
        self._say_missing({at_the_centre(name) for name in self._accounts.keys() - names})

    def _read_anew_where_remade(self, there: Mapping[str, str]) -> None:
        """A place in a topic that is gone, or was made again, is none."""
        remade = sorted(topic for topic, identity in self._read.items() if there.get(topic) != identity)
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
            if self.caught_up and isinstance(release.root, Heartbeat):
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
        for name in self._expected:
            fleet.site(name)
        return fleet


def _name(topic: str) -> str:
    site = site_of(topic)
    assert site is not None
    return site
