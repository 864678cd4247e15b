"""A site's world in memory: studies, services that come and go, and what lies in the log afterwards."""

import hashlib
import itertools
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.books import SiteContext
from segwatch.aggregation.mechanism.demo_noise import SeededNoise
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.ledger import BlockClosed
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.errors import InvalidMessage, LogUnavailable
from segwatch.streaming.log import Outgoing, Record, outgoing
from segwatch.streaming.telemetry import Telemetry
from tests.support.memory_log import MemoryLog
from tests.support.messages import MESSAGES, NOW

IN_MEMORY = Path("/dev/shm")
"""Thousands of histories flush the audit log: on a disk that would take hours."""
POLICY = SitePolicy(version="demo-test", means_of=("segmentation_smoothness",))


def scored(number: int, patient: int | None = None, **changes: Any) -> StudyScored:
    """A scored study of a number, good unless it is changed."""
    whose = {
        "study": hashlib.sha256(f"study {number}".encode()).hexdigest()[:32],
        "patient": hashlib.sha256(f"patient {number if patient is None else patient}".encode()).hexdigest()[
            :32
        ],
        "received_at": NOW + timedelta(minutes=number),
    }
    study: StudyScored = MESSAGES[SCORED].model_copy(update={**whose, **changes})
    return study


def record_of(study: StudyScored, scorer: str = "a") -> Outgoing:
    """The record that scoring sends for a study."""
    name = hashlib.sha256(f"{study.study} {scorer}".encode()).hexdigest()[:32]
    return outgoing(
        SCORED,
        Event(
            id=name, type=SCORED, key=study.study, source="/scoring", time=NOW, data=study, correlation="c"
        ),
    )


@dataclass
class World:
    """A site's log, and the services that run on it. The audit log is a real file."""

    policy: SitePolicy = POLICY
    log: MemoryLog = field(default_factory=MemoryLog)
    seeds: Any = field(default_factory=itertools.count)
    audit_log: Path = field(init=False)

    def __post_init__(self) -> None:
        folder = tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.audit_log = Path(folder) / "audit.jsonl"

    def add(self, studies: Sequence[StudyScored], scorer: str = "a") -> None:
        for study in studies:
            self.log.append(record_of(study, scorer))

    def service(self, policy: SitePolicy | None = None, seed: int | None = None) -> Aggregation:
        """A process. Each draws other noise, unless a seed says otherwise."""
        noise = SeededNoise(next(self.seeds) if seed is None else seed)
        site = SiteContext(
            "hospital-a",
            policy or self.policy,
            self.audit_log,
            lambda _policy: noise,
            lambda: datetime(2026, 11, 23, 9, tzinfo=UTC),
        )
        return Aggregation(self.log, site, Telemetry("aggregation"))  # type: ignore[arg-type]  # no consumers

    def run(self, service: Aggregation) -> Aggregation:
        """Step until everything in the log is counted; three records come a step."""
        for _ in range(len(self.log.records[SCORED]) // 3 + 5):
            with suppress(LogUnavailable):
                service.step(0)
        return service

    def run_until_open(self, service: Aggregation) -> None:
        """Let the service read the ledger and open its epoch, and count nothing yet."""
        scored = self.log.records.pop(SCORED)
        service.step(0)
        self.log.records[SCORED] = scored

    def releases(self) -> list[Record]:
        """The first record of each release id, in the topic's order."""
        firsts: dict[bytes, Record] = {}
        for record in self.log.records[RELEASE]:
            firsts.setdefault(dict(record.headers)["ce_id"], record)
        return list(firsts.values())

    def ledger(self) -> list[Any]:
        """Every readable entry of the ledger, whether it counts or not."""
        entries = []
        for record in self.log.records[LEDGER]:
            with suppress(InvalidMessage):
                entries.append(decode(LEDGER, record.key, record.value, record.headers).data.root)
        return entries

    def blocks(self) -> list[BlockClosed]:
        """The first ledger record of each block's name."""
        firsts: dict[tuple[int, str, int], BlockClosed] = {}
        for entry in self.ledger():
            if isinstance(entry, BlockClosed):
                figures = entry.figures
                firsts.setdefault((figures.epoch, figures.kind, figures.number), entry)
        return list(firsts.values())

    def covered(self, kind: str) -> list[str]:
        """The studies in closed blocks of a kind, in order."""
        return [e.study for block in self.blocks() if block.figures.kind == kind for e in block.studies]
