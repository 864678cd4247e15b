"""Reads every site's release topic at the centre into the fleet. The log is the state."""

import logging
import time
from collections.abc import Callable, Mapping

from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import DECISIONS, at_the_centre, site_of
from segwatch.detection.dispersion import Spread
from segwatch.detection.evidence import DISPERSION
from segwatch.detection.threshold import PAGES_A_MONTH
from segwatch.errors import InvalidMessage, LogRefused, Transient
from segwatch.federation.watched_site import Change
from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Reader, Record
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
    """

    def __init__(
        self,
        log: Log,
        expected: tuple[str, ...],
        window_pulses: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        pages_a_month: float = PAGES_A_MONTH,
        dispersion: float = DISPERSION,
    ) -> None:
        self._log = log
        self._expected = expected
        self._window = window_pulses
        self._pages_a_month = pages_a_month
        self._dispersion = dispersion
        self._clock = clock
        self._shown = self._empty()
        self._fleet = self._empty()
        self._readers: list[Reader] = []
        self._read: set[str] = set()
        self._missing: set[str] = set()
        self._look_at = clock()
        self._reading = ReleaseReader()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the topics at start is in what is shown."""
        return self._shown is self._fleet

    def sites(self) -> Mapping[str, SiteReleases]:
        """The sites as they are shown, for another thread to read."""
        return dict(self._shown.sites)

    def changes(self) -> Mapping[str, Change]:
        """What the detector says of the sites as they are shown, for another thread to read."""
        return self._shown.changes()

    def spread(self) -> Spread:
        """How much the counts that are shown vary against the model, for another thread to read."""
        return self._shown.spread()

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

    def _start_again(self) -> None:
        """Read everything anew; until that is done, the figures of before are shown."""
        self.close()
        self._fleet = self._empty()
        self._read, self._look_at = set(), self._clock()

    def _look(self) -> None:
        """Open a reader for the topics that are new: one for all of them, whatever their number."""
        topics = self._log.topics()
        there = {topic for topic in topics if site_of(topic) is not None}
        if self._expected:
            wanted = set(map(at_the_centre, self._expected))
            self._say_missing(wanted - there)
            there &= wanted
        new = sorted((there | ({DECISIONS} & topics)) - self._read)
        if new:
            self._readers.append(self._log.reader(new))
            self._read.update(new)
            for topic in new:
                if topic != DECISIONS:
                    self._fleet.site(_name(topic))
            _log.info("reading %s", ", ".join(new))
        self._look_at = self._clock() + LOOK_SECONDS

    def _say_missing(self, missing: set[str]) -> None:
        if missing and missing != self._missing:
            _log.warning(
                "waiting for topics that are not there yet: %s; the platform makes them when a site joins",
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
            self._fleet.site(name).refused += 1
            _log.error("refused a record", extra={"of": name, "offset": record.at.offset, "why": str(error)})
        else:
            self._fleet.take(name, release)

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
