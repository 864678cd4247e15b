"""A hospital's log, made by hand: records as the stack's reader gets them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from deploy.local.judge.receipts import CaseReceipt
from deploy.local.judge.site_view import SiteView
from segwatch.contracts.envelope import Event
from segwatch.contracts.ledger import BlockClosed, CountedStudy, EpochOpened, LedgerRecord
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Pulse, SiteRelease
from segwatch.contracts.topics import LEDGER, RECEIVED, RELEASE, SCORED
from segwatch.streaming.deadletters.writing import dead_letter
from segwatch.streaming.log import Outgoing, Position, Record, outgoing
from tests.support.messages import MESSAGES, NOW, PATIENT


def study_name(number: int) -> str:
    return hashlib.sha256(f"study {number}".encode()).hexdigest()[:32]


def record(sent: Outgoing, offset: int = 0) -> Record:
    return Record(Position(sent.topic, 0, offset), sent.key, sent.value, sent.headers, 0)


def event_record(topic: str, data: Any, name: str, key: str = "k") -> Record:
    event = Event(id=name, type=topic, key=key, source="/tests", time=NOW, data=data)
    return record(outgoing(topic, event))


@dataclass
class BookedSite:
    """A hospital whose studies have been scored, counted and released, or not."""

    view: SiteView = field(default_factory=SiteView)
    receipts: dict[str, CaseReceipt] = field(default_factory=dict)
    centre: dict[Any, bytes] = field(default_factory=dict)

    def open(self) -> None:
        """The ledger's first record."""
        policy = SitePolicy(version="demo-1")
        opened = EpochOpened(kind="epoch", epoch=1, from_offset=0, opened_at=NOW, policy=policy)
        self.view.read(event_record(LEDGER, LedgerRecord(opened), "e" * 32))

    def arrive(self, number: int) -> str:
        case, study = f"case-{number:05d}", study_name(number)
        self.receipts[case] = CaseReceipt(case, study, "announced")
        return study

    def score(self, number: int, name: str | None = None, **changes: Any) -> None:
        study = study_name(number)
        data = MESSAGES[SCORED].model_copy(update={"study": study, **changes})
        self.view.read(event_record(SCORED, data, name or study, key=study))

    def put_aside(self, number: int) -> None:
        study = study_name(number)
        data = MESSAGES[RECEIVED].model_copy(update={"study": study})
        origin = event_record(RECEIVED, data, study, key=study)
        self.view.read(record(dead_letter(origin, "segmentation", "missing_object", "gone", 1)))

    def close(self, block: int, studies: list[int], *, releases: bool = True) -> Pulse:
        figures = Pulse(
            kind="pulse",
            epoch=1,
            number=block,
            k=len(studies),
            policy_version="demo-1",
            closed=date(2026, 11, 23),
            epsilon=1.0,
            needs_attention=3,
        )
        counted = tuple(CountedStudy(study=study_name(s), patient=PATIENT, ordinal=1) for s in studies)
        closed = BlockClosed(kind="block", studies=counted, closed_at=NOW, figures=figures)
        self.view.read(event_record(LEDGER, LedgerRecord(closed), f"{block:032x}"))
        if releases:
            release = event_record(RELEASE, SiteRelease(figures), f"{block:032x}")
            self.view.read(release)
            self.centre["pulse", 1, block] = release.value or b""
        return figures


@pytest.fixture
def site() -> BookedSite:
    """A hospital with an open ledger."""
    made = BookedSite()
    made.open()
    return made


@pytest.fixture
def full_site(site: BookedSite) -> BookedSite:
    """45 studies in, 44 scored, one put aside; two pulses closed and released."""
    for number in range(45):
        site.arrive(number)
        if number == 7:
            site.put_aside(number)
        else:
            site.score(number)
    counted = [number for number in range(45) if number != 7]
    site.close(0, counted[:20])
    site.close(1, counted[20:40])
    return site


@pytest.fixture
def clock() -> Callable[..., float]:
    """A clock that is moved by calling it with seconds."""
    now = 0.0

    def read(seconds: float = 0.0) -> float:
        nonlocal now
        now += seconds
        return now

    return read
