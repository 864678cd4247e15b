"""What the centre knows of every site: a fold over the releases, in each topic's order. Pure.

The first record that bears a block's epoch, kind and number counts. Others are copies; one that says
something else is a conflict, which is counted and not believed. Read again from nothing, the same records
give the same figures.
"""

from dataclasses import dataclass, field

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.release import Heartbeat, Portrait, Pulse, SiteRelease
from segwatch.detection.dispersion import Spread
from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH, months_between
from segwatch.federation.beats import Slots
from segwatch.federation.dice import MeanDice, bin_ratios, mean_dice
from segwatch.federation.presence import Presence
from segwatch.federation.release_records import ReleaseRecords
from segwatch.federation.share import Share, share_of
from segwatch.federation.unscored import UnscoredShare, unscored_share
from segwatch.federation.watched_site import Change, WatchedSite


@dataclass
class SiteReleases:
    """One site, as its own releases tell it.

    Attributes:
        pulses: closed pulses that were seen, over all epochs.
        portraits: closed portraits that were seen, over all epochs.
        records: which of its records count, and what became of the others.
        heartbeat: the last one in the topic's order.
        presence: gaps, epoch and pace.
        watched: its pulses as the detector sees them.
    """

    pulses: int = 0
    portraits: int = 0
    records: ReleaseRecords = field(default_factory=ReleaseRecords)
    heartbeat: Heartbeat | None = None
    portrait: Portrait | None = None
    window: list[Pulse] = field(default_factory=list)
    presence: Presence = field(default_factory=Presence)
    watched: WatchedSite = field(default_factory=WatchedSite)
    _beats: dict[int, Slots] = field(default_factory=dict)
    """By epoch."""

    @property
    def copies(self) -> int:
        """Records that said again what was known."""
        return self.records.copies

    @property
    def conflicts(self) -> int:
        """Records that bore a known block's name and said something else."""
        return len(self.records.conflicts)

    @property
    def refused(self) -> int:
        """Records that are no release, or one that no policy allows."""
        return len(self.records.refused)

    def decide(self, decision: SiteDecision) -> None:
        """The next decision about the site: of its alarm, or of records that do not count."""
        self.records.look(decision)
        self.watched.decide(decision)

    def take(self, release: SiteRelease, offset: int, window_pulses: int) -> None:
        """Take the next release of the topic, which lies at `offset`."""
        figures = release.root
        if isinstance(figures, Heartbeat):
            if self._is_first_beat(figures):
                self.heartbeat = figures
                self.presence.take(figures)
        elif self.records.is_first(figures, offset):
            self.presence.take(figures)
            self._show(figures, window_pulses)

    def share(self) -> Share | None:
        """The rolling share needing attention over the window; None before the first pulse."""
        window = self.window
        if not window:
            return None
        return share_of(
            [pulse.needs_attention for pulse in window],
            [pulse.k for pulse in window],
            [pulse.epsilon for pulse in window],
        )

    def unscored(self) -> UnscoredShare | None:
        """The share of what came that got no score; None where no pulse of the window tells it."""
        told = [
            (pulse.unscored, pulse.k, pulse.epsilon_unscored)
            for pulse in self.window
            if pulse.unscored is not None and pulse.epsilon_unscored is not None
        ]
        if not told:
            return None
        counts, sizes, epsilons = zip(*told, strict=True)
        return unscored_share(counts, sizes, epsilons)

    def dice(self) -> MeanDice | None:
        """The mean predicted Dice of the last portrait; None before the first."""
        portrait = self.portrait
        return None if portrait is None else mean_dice(portrait.histogram, portrait.epsilon_histogram)

    def bins(self) -> list[float]:
        """The share of each cell in the last portrait; empty before the first."""
        portrait = self.portrait
        return [] if portrait is None else bin_ratios(portrait.histogram, portrait.k)

    def last_beat(self) -> int | None:
        """When the last heartbeat's slot began, as a Unix time."""
        heartbeat = self.heartbeat
        return None if heartbeat is None else heartbeat.number * heartbeat.interval_seconds

    def _show(self, figures: Pulse | Portrait, window_pulses: int) -> None:
        if isinstance(figures, Pulse):
            self.pulses += 1
            self.watched.take(figures)
            self.window = sorted([*self.window, figures], key=_age)[-window_pulses:]
        else:
            self.portraits += 1
            if self.portrait is None or _age(figures) > _age(self.portrait):
                self.portrait = figures

    def _is_first_beat(self, heartbeat: Heartbeat) -> bool:
        """Whether no heartbeat of this name came before."""
        if self._beats.setdefault(heartbeat.epoch, Slots()).add(heartbeat.number):
            return True
        self.records.copies += 1
        return False


@dataclass
class Fleet:
    """Every site by its name, which is taken from the topic and never from a record.

    Attributes:
        window_pulses: over how many pulses a site's rolling quality is taken.
        pages_a_month: false pages a month that are borne, from all sites together.
        dispersion: by how much real counts vary more than the model says.
        decisions: what people decided, by the id of its record.
        everywhere: the names of all sites that are watched, here or by another member.
        coming: sites of `sites` whose topic is still being read from its beginning; they are not shown, since
            a figure of half a topic is no figure.
    """

    window_pulses: int
    sites: dict[str, SiteReleases] = field(default_factory=dict)
    pages_a_month: float = PAGES_A_MONTH
    dispersion: float = DISPERSION
    decisions: dict[str, SiteDecision] = field(default_factory=dict)
    everywhere: frozenset[str] = frozenset()
    coming: set[str] = field(default_factory=set)

    def shown(self) -> dict[str, SiteReleases]:
        """The sites that may be shown, for another thread to read."""
        return {name: site for name, site in list(self.sites.items()) if name not in self.coming}

    def drop(self, name: str) -> None:
        """Another member watches the site from now on."""
        self.sites.pop(name, None)
        self.coming.discard(name)

    def site(self, name: str) -> SiteReleases:
        """The site of that name, known from now on."""
        if name not in self.sites:
            site = SiteReleases(watched=WatchedSite(self.dispersion))
            for decision in self.decisions.values():
                if decision.site == name:
                    site.decide(decision)
            self.sites[name] = site
        return self.sites[name]

    def decide(self, name: str, decision: SiteDecision) -> None:
        """Take the next decision; the first that bears the id `name` counts, and a site that is not known yet
        gets it when it is."""
        if name in self.decisions:
            return
        self.decisions[name] = decision
        if decision.site in self.sites:
            self.sites[decision.site].decide(decision)

    def changes(self) -> dict[str, Change]:
        """What the detector says of each site that has released a pulse and may be shown.

        How rare a false page of one site must be depends on how many there are, whoever watches them.
        """
        months = months_between(max(len(self.everywhere | self.sites.keys()), 1), self.pages_a_month)
        told = {name: site.watched.change(months) for name, site in list(self.sites.items())}
        return {
            name: change for name, change in told.items() if change is not None and name not in self.coming
        }

    def spread(self) -> Spread:
        """How much the fleet's counts vary against the model."""
        return sum((site.watched.spread() for site in self.shown().values()), Spread())

    def take(self, name: str, release: SiteRelease, offset: int) -> None:
        """Take the next release of a site, which lies at `offset` of its topic."""
        self.site(name).take(release, offset, self.window_pulses)


def _age(figures: Pulse | Portrait) -> tuple[int, int]:
    return figures.epoch, figures.number
