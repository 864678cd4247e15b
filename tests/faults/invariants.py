"""What must hold after every run, whatever happened in it. Judges records as they lie in the logs; pure.

Written without the services' own folds (aggregation's books, federation's fleet): a mistake there must not
excuse itself here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.streaming.log import Position, Record

KINDS = ("pulse", "portrait")
SHOWN = 4
BlockId = tuple[int, str, int]
"""Epoch, kind and number."""
Copy = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...], int]
"""Key, value, headers and time stamp: all that a record is."""


@dataclass(frozen=True)
class Evidence:
    """All that is known when a run is over.

    Attributes:
        sent: pseudonyms of all studies that were brought to the site.
        cases: the study of each inbox entry, since ingest's letters name the entry.
        inside: every record of the hospital's topics, by topic, in order.
        centre: every record of the site's topic at the centre.
        poison: where records lie that can never be processed, and were put in on purpose.
        counted_studies, open_tails: what aggregation says, by its metrics, after a start from nothing.
        sizes: studies in a block, by kind.
    """

    sent: frozenset[str]
    cases: Mapping[str, str]
    inside: Mapping[str, Sequence[Record]]
    centre: Sequence[Record]
    poison: frozenset[Position]
    counted_studies: int
    open_tails: Mapping[str, int]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Verdict:
    """What is wrong.

    Attributes:
        lost: studies that are neither counted nor in a dead-letter topic with a reason.
        doubled: studies that are counted twice, or that have two results of one scorer.
        changed: blocks whose copies differ.
        broken: every other thing that does not hold, in words.
    """

    lost: frozenset[str]
    doubled: frozenset[str]
    changed: frozenset[BlockId]
    broken: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.changed or self.broken)


@dataclass
class _Books:
    """The site's books, from its records."""

    scored: dict[str, int] = field(default_factory=dict)
    """Each scored study and its place among them, in the log's order."""
    results: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the results, by study and scorer."""
    dead: set[str] = field(default_factory=set)
    buried: set[tuple[str, int, int]] = field(default_factory=set)
    blocks: dict[BlockId, dict[str, Any]] = field(default_factory=dict)
    """The first ledger record that bears each block's name."""
    epochs: set[int] = field(default_factory=set)
    wordless: int = 0


def judge(evidence: Evidence) -> Verdict:
    """Everything that does not hold; nothing where all is well."""
    books = _read(evidence)
    lost = evidence.sent - set(books.scored) - books.dead
    twice, uneven = _blocks(books, evidence)
    doubled = twice | {study for (study, _), ids in books.results.items() if len(ids) > 1}
    changed, unreleased = _copies(books, evidence)
    broken = [*uneven, *unreleased, *_letters(books, evidence), *_metrics(books, evidence)]
    strangers = set(books.scored) - evidence.sent
    broken += _say("studies are counted that nobody sent", strangers)
    return Verdict(frozenset(lost), frozenset(doubled), frozenset(changed), tuple(broken))


def _read(evidence: Evidence) -> _Books:
    books = _Books()
    for record in evidence.inside[SCORED]:
        data = _json(record)
        if data is not None and "study" in data and "scorer" in data:
            study, scorer = str(data["study"]), str(data["scorer"]["sha256"])
            books.scored.setdefault(study, len(books.scored))
            books.results[study, scorer].add(_header(record, "ce_id"))
    for record in evidence.inside[LEDGER]:
        data = _json(record) or {}
        if data.get("kind") == "epoch":
            books.epochs.add(data["epoch"])
        if data.get("kind") == "block":
            figures = data["figures"]
            books.blocks.setdefault((figures["epoch"], figures["kind"], figures["number"]), data)
    for topic, records in evidence.inside.items():
        if topic.endswith(".dlq"):
            for record in records:
                _read_letter(record, books, evidence)
    return books


def _read_letter(record: Record, books: _Books, evidence: Evidence) -> None:
    if not _header(record, "dlq_error") or not _header(record, "dlq_reason"):
        books.wordless += 1
        return
    name = (record.key or b"").decode(errors="replace")
    books.dead.add(evidence.cases.get(name, name))
    place = (
        _header(record, "dlq_topic"),
        int(_header(record, "dlq_partition")),
        int(_header(record, "dlq_offset")),
    )
    books.buried.add(place)


def _blocks(books: _Books, evidence: Evidence) -> tuple[set[str], list[str]]:
    """Blocks are consecutive and disjoint, and hold the scored studies in the log's order, none left out."""
    twice: set[str] = set()
    broken: list[str] = []
    if books.epochs and books.epochs != {1}:
        broken.append(f"epochs {sorted(books.epochs)} were opened: the ledger was held to be lost")
    order = list(books.scored)
    for kind in KINDS:
        names = sorted(name for name in books.blocks if name[1] == kind)
        if [number for _, _, number in names] != list(range(len(names))):
            broken.append(f"the numbers of the {kind}s are not consecutive: {names}")
        held = [[entry["study"] for entry in books.blocks[name]["studies"]] for name in names]
        counted = [study for block in held for study in block]
        twice |= {study for study, times in Counter(counted).items() if times > 1}
        if counted != order[: len(counted)]:
            broken.append(
                f"the {kind}s do not hold the scored studies in the log's order, one after the other"
            )
        if any(len(block) != evidence.sizes[kind] for block in held):
            broken.append(f"a {kind} does not hold {evidence.sizes[kind]} studies")
        if len(order) - len(counted) >= evidence.sizes[kind]:
            broken.append(f"a {kind} is due and was not closed: {len(order) - len(counted)} studies wait")
    return twice, broken


def _copies(books: _Books, evidence: Evidence) -> tuple[set[BlockId], list[str]]:
    """What was released is what the ledger's first record says, in every copy, bit for bit."""
    copies: dict[BlockId, set[Copy]] = defaultdict(set)
    where: dict[str, set[BlockId]] = {"in the hospital": set(), "at the centre": set()}
    for place, records in (("in the hospital", evidence.inside[RELEASE]), ("at the centre", evidence.centre)):
        for record in records:
            figures = _json(record)
            if figures is None or figures["kind"] == "heartbeat":
                continue
            name = (figures["epoch"], figures["kind"], figures["number"])
            where[place].add(name)
            copies[name].add((record.key, record.value, tuple(record.headers), record.timestamp_ms))
    changed = {name for name, found in copies.items() if len(found) > 1}
    changed |= {
        name
        for name, found in copies.items()
        if name in books.blocks
        and any(json.loads(value or b"") != books.blocks[name]["figures"] for _, value, _, _ in found)
    }
    broken = []
    for place, names in where.items():
        broken += _say(f"blocks were not released {place}", set(books.blocks) - names)
        broken += _say(f"releases {place} stand for no block of the ledger", names - set(books.blocks))
    return changed, broken


def _letters(books: _Books, evidence: Evidence) -> list[str]:
    broken = [f"{books.wordless} dead letters have no reason"] if books.wordless else []
    missing = {at for at in evidence.poison if (at.topic, at.partition, at.offset) not in books.buried}
    return broken + _say("records that cannot be processed have no dead letter", missing)


def _metrics(books: _Books, evidence: Evidence) -> list[str]:
    """What aggregation itself says it has counted."""
    broken = []
    if evidence.counted_studies != len(books.scored):
        broken.append(
            f"aggregation counts {evidence.counted_studies} studies, {len(books.scored)} are scored"
        )
    for kind in KINDS:
        closed = sum(name[1] == kind for name in books.blocks) * evidence.sizes[kind]
        if evidence.open_tails[kind] != len(books.scored) - closed:
            broken.append(
                f"aggregation has {evidence.open_tails[kind]} studies in the open {kind},"
                f" {len(books.scored) - closed} are in no closed one"
            )
    return broken


def _json(record: Record) -> dict[str, Any] | None:
    try:
        data = json.loads(record.value or b"")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _header(record: Record, name: str) -> str:
    return dict(record.headers).get(name, b"").decode(errors="replace")


def _say(what: str, which: Iterable[object]) -> list[str]:
    listed = sorted(map(str, which))
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return [f"{len(listed)} {what}: {', '.join(listed[:SHOWN])}{more}"] if listed else []
