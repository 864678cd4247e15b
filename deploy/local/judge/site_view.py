"""What the stack's own reader sees in a hospital's topics, as a fold over records. It writes nothing."""

from dataclasses import dataclass, field
from typing import Literal

from segwatch.contracts.envelope import decode
from segwatch.contracts.ledger import BlockClosed, EpochOpened, LedgerRecord
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Heartbeat, SiteRelease
from segwatch.contracts.studies import StudyMeasured, StudyReceived, StudyScored, StudySegmented
from segwatch.contracts.topics import HOSPITAL_TOPICS, RELEASE
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Record

BlockKind = Literal["pulse", "portrait"]
BlockName = tuple[str, int, int]
"""Kind, epoch and number of a block."""
WATCHED = HOSPITAL_TOPICS


@dataclass(frozen=True)
class DeadLetter:
    """A study that could not be processed; `study` is its pseudonym, or the inbox entry's name for ingest."""

    study: str
    stage: str
    kind: str
    reason: str


@dataclass
class SiteView:
    """What happened in one hospital so far.

    Attributes:
        received, segmented, measured: the first record of each study.
        scored: the first record of each study that counts, in the log's order.
        results: ids of the scores of each study; more than one id is more than one result.
        dead: dead letters, without replays' markers.
        blocks: the ledger's blocks, in the log's order.
        policy: the policy that the ledger's epoch was opened under.
        released: value of each block's release, by kind, epoch and number.
        heartbeats: how many it has sent.
        unreadable: records that do not keep to their schema.
    """

    received: dict[str, StudyReceived] = field(default_factory=dict)
    segmented: dict[str, StudySegmented] = field(default_factory=dict)
    measured: dict[str, StudyMeasured] = field(default_factory=dict)
    scored: dict[str, StudyScored] = field(default_factory=dict)
    results: dict[str, set[str]] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    blocks: list[BlockClosed] = field(default_factory=list)
    policy: SitePolicy | None = None
    released: dict[BlockName, bytes] = field(default_factory=dict)
    heartbeats: int = 0
    unreadable: int = 0

    @property
    def flagged(self) -> int:
        """Studies that need attention."""
        return sum(score.needs_attention for score in self.scored.values())

    @property
    def dead_studies(self) -> set[str]:
        """Studies (pseudonyms, or inbox entries) that lie in a dead-letter topic."""
        return {letter.study for letter in self.dead}

    def closed(self, kind: BlockKind) -> list[BlockClosed]:
        """The closed blocks of one kind."""
        return [block for block in self.blocks if block.figures.kind == kind]

    def read(self, record: Record) -> None:
        """Take the next record of one of the `WATCHED` topics."""
        topic = record.at.topic
        if topic.endswith(".dlq"):
            self._read_dead_letter(record)
            return
        try:
            event = decode(topic, record.key, record.value, record.headers)
        except InvalidMessage:
            self.unreadable += 1
            return
        match event.data:
            case StudyScored() as score:
                self.results.setdefault(score.study, set()).add(event.id)
                self.scored.setdefault(score.study, score)
            case StudyReceived() as study:
                self.received.setdefault(study.study, study)
            case StudySegmented() as study:
                self.segmented.setdefault(study.study, study)
            case StudyMeasured() as study:
                self.measured.setdefault(study.study, study)
            case LedgerRecord() as entry:
                self._read_ledger(entry)
            case SiteRelease() as release:
                self.heartbeats += isinstance(release.root, Heartbeat)
                note_release(self.released, release, record.value or b"")

    def _read_dead_letter(self, record: Record) -> None:
        marks = {name: value.decode(errors="replace") for name, value in record.headers}
        if "dlq_stage" not in marks:
            return
        self.dead.append(
            DeadLetter(
                study=(record.key or b"").decode(errors="replace"),
                stage=marks["dlq_stage"],
                kind=marks["dlq_error"],
                reason=marks["dlq_reason"],
            )
        )

    def _read_ledger(self, entry: LedgerRecord) -> None:
        if isinstance(entry.root, BlockClosed):
            if block_name(entry.root) not in {block_name(block) for block in self.blocks}:
                self.blocks.append(entry.root)
        elif isinstance(entry.root, EpochOpened):
            self.policy = entry.root.policy


@dataclass
class CentreView:
    """What arrived at the centre, by site: value of each block's release, by kind, epoch and number."""

    released: dict[str, dict[BlockName, bytes]] = field(default_factory=dict)
    heartbeats: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0

    def read(self, site: str, record: Record) -> None:
        """Take the next record of a site's release topic."""
        try:
            event = decode(RELEASE, record.key, record.value, record.headers)
        except InvalidMessage:
            self.unreadable += 1
            return
        if isinstance(event.data.root, Heartbeat):
            self.heartbeats[site] = self.heartbeats.get(site, 0) + 1
        note_release(self.released.setdefault(site, {}), event.data, record.value or b"")


def note_release(released: dict[BlockName, bytes], release: SiteRelease, value: bytes) -> None:
    """Keep the first record of each block; heartbeats are no blocks."""
    figures = release.root
    if not isinstance(figures, Heartbeat):
        released.setdefault((figures.kind, figures.epoch, figures.number), value)


def block_name(block: BlockClosed) -> BlockName:
    """What the block is called."""
    return block.figures.kind, block.figures.epoch, block.figures.number
