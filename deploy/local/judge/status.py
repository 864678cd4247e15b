"""All that is known of a running stack: what its logs say, ingest's receipts, true Dice, pages and events."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from deploy.local.judge.receipts import CaseReceipt, new_receipts
from deploy.local.judge.site_view import WATCHED, CentreView, SiteView
from deploy.local.judge.truth import Truth, true_dice
from deploy.local.stack.hospital import Hospital
from deploy.local.stack.pager import Page
from deploy.local.stack.stack import Stack
from segwatch.contracts.topics import at_the_centre, site_of
from segwatch.errors import RefusedVolume
from segwatch.streaming.log import Reader
from segwatch.volumes.store import VolumeStore

PAGE_ALERT = "SegwatchQualityDrop"
POLL_SECONDS = 0.05
WEIGH_SECONDS = 2.0


@dataclass(frozen=True)
class PageSeen:
    """A page, and how many studies its site had scored when it came."""

    page: Page
    after_studies: int


@dataclass
class HospitalStatus:
    """One hospital.

    Attributes:
        view: what its log says.
        receipts: by case.
        dice: true Dice by study, where the truth is known and not empty.
        pages: the pages about its quality.
        remarks: what could not be read of the truth.
    """

    name: str
    inbox: Path
    store: VolumeStore
    truth: Truth
    view: SiteView = field(default_factory=SiteView)
    receipts: dict[str, CaseReceipt] = field(default_factory=dict)
    dice: dict[str, float | None] = field(default_factory=dict)
    pages: list[PageSeen] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def cases(self) -> dict[str, str]:
        """The first case that brought each study, by study."""
        found: dict[str, str] = {}
        for receipt in self.receipts.values():
            if receipt.study is not None:
                found.setdefault(receipt.study, receipt.case)
        return found

    def look(self) -> None:
        """Read new receipts, and measure what has been segmented since."""
        for receipt in new_receipts(self.inbox, self.receipts):
            self.receipts[receipt.case] = receipt
        cases = self.cases()
        for study, segmented in self.view.segmented.items():
            if study in self.dice or study not in cases:
                continue
            try:
                self.dice[study] = true_dice(self.store, segmented, cases[study], self.truth)
            except RefusedVolume as error:
                self.dice[study] = None
                self.remarks.append(f"{cases[study]}: its truth cannot be used: {error}")


class RunStatus:
    """Follows a started stack; a context that closes its own connections."""

    def __init__(self, stack: Stack, truths: Mapping[str, Truth]) -> None:
        self.stack = stack
        self.started = datetime.now(UTC)
        self.centre = CentreView()
        self.sites = {site.name: _site(site, truths[site.name]) for site in stack.hospitals}
        self.pages: list[Page] = []
        self.peak_memory = 0
        self._weighed = 0.0
        self._connections = ExitStack()
        self._readers = {site.name: self._open_site(site) for site in stack.hospitals}
        self._centre_reader = self._open_centre()

    def tick(self) -> list[str]:
        """Look after the stack and read what is new; what happened, in words."""
        events = self.stack.tend()
        self._weigh()
        for name, site in self.sites.items():
            for record in self._readers[name].poll(POLL_SECONDS):
                before = len(site.view.blocks), len(site.view.dead)
                site.view.read(record)
                events += _news(site, *before)
            site.look()
        for record in self._centre_reader.poll(POLL_SECONDS):
            self.centre.read(site_of(record.at.topic) or "", record)
        return events + [self._take(page) for page in self.stack.pager.take()]

    def progress(self) -> int:
        """A number that grows while anything moves."""
        views = [site.view for site in self.sites.values()]
        read = sum(len(v.received) + len(v.segmented) + len(v.measured) + len(v.scored) for v in views)
        blocks = sum(len(v.blocks) + len(v.released) + len(v.dead) for v in views)
        here = sum(len(released) for released in self.centre.released.values())
        return read + blocks + here + len(self.pages) + sum(len(s.receipts) for s in self.sites.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def _weigh(self) -> None:
        """Note the memory of all processes, not at every look: asking a score of them takes a while."""
        if time.monotonic() - self._weighed >= WEIGH_SECONDS:
            self._weighed = time.monotonic()
            self.peak_memory = max(self.peak_memory, self.stack.memory())

    def _take(self, page: Page) -> str:
        self.pages.append(page)
        site = self.sites.get(page.site or "")
        if site is not None and page.alert == PAGE_ALERT and page.status == "firing":
            site.pages.append(PageSeen(page, len(site.view.scored)))
        return (
            f"{page.whose}: {(page.severity or 'page').upper()} ({page.status}) {page.alert}: {page.summary}"
        )

    def _open_site(self, site: Hospital) -> Reader:
        log = self._connections.enter_context(site.log_address.open())
        return self._connections.enter_context(log.reader(WATCHED))

    def _open_centre(self) -> Reader:
        log = self._connections.enter_context(self.stack.centre.log_address.open())
        return self._connections.enter_context(log.reader([at_the_centre(site) for site in self.sites]))


def _site(hospital: Hospital, truth: Truth) -> HospitalStatus:
    return HospitalStatus(hospital.name, hospital.inbox, VolumeStore(hospital.store), truth)


def _news(site: HospitalStatus, blocks: int, dead: int) -> list[str]:
    """What the record that was just read means to a person."""
    closed = [
        f"{site.name}: {block.figures.kind} {block.figures.number + 1} closed"
        for block in site.view.blocks[blocks:]
    ]
    letters = [
        f"{site.name}: {letter.stage} put a study aside: {letter.kind}" for letter in site.view.dead[dead:]
    ]
    return closed + letters
