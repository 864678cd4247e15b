"""Which records of a site's release topic count: the first that bears its block's name. Pure."""

import hashlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.release import Portrait, Pulse

DIGEST_BYTES = 8


@dataclass
class Digests:
    """What was in the first record of each number: 8 bytes a block, since numbers follow one another."""

    _dense: bytearray = field(default_factory=bytearray)
    _others: dict[int, bytes] = field(default_factory=dict)
    """Numbers that came before their turn, which an honest site's never do."""

    def first(self, number: int, digest: bytes) -> bytes | None:
        """The digest of the number's first record, or None where this is the first, which is kept."""
        start = number * DIGEST_BYTES
        if start < len(self._dense):
            return bytes(self._dense[start : start + DIGEST_BYTES])
        known = self._others.get(number)
        if start > len(self._dense):
            self._others.setdefault(number, digest)
        else:
            self._dense += self._others.pop(number, digest)
        return known


def _offsets() -> "array[int]":
    return array("q")


@dataclass
class ReleaseRecords:
    """One site's blocks by name, and the records that do not count, which stand until somebody has looked.

    A decision names the topic that it is about by its identity: offsets of a topic that was deleted and made
    again are others.

    Attributes:
        topic: the identity of the topic that is read.
        copies: records that said again what was known.
        conflicts: offsets of the records that bore a known block's name and said something else, ascending.
        refused: offsets of the records that are no release, or one that no policy allows, ascending.
    """

    topic: str = ""
    copies: int = 0
    conflicts: "array[int]" = field(default_factory=_offsets)
    refused: "array[int]" = field(default_factory=_offsets)
    _known: dict[tuple[int, str], Digests] = field(default_factory=dict)
    _looked_to: dict[str, int] = field(default_factory=dict)

    def is_first(self, figures: Pulse | Portrait, offset: int) -> bool:
        """Whether the record at `offset` is the first of its block; another is a copy or a conflict."""
        digest = hashlib.sha256(figures.model_dump_json().encode()).digest()[:DIGEST_BYTES]
        known = self._known.setdefault((figures.epoch, figures.kind), Digests()).first(figures.number, digest)
        if known is None:
            return True
        if known == digest:
            self.copies += 1
        else:
            self.conflicts.append(offset)
        return False

    def refuse(self, offset: int) -> None:
        """The record at `offset` is no release."""
        self.refused.append(offset)

    def look(self, decision: SiteDecision) -> None:
        """Somebody has looked at what did not count so far; decisions come in any order."""
        topic, offset = decision.release_topic, decision.released_to
        if topic is not None and offset is not None:
            self._looked_to[topic] = max(offset, self._looked_to.get(topic, 0))

    @property
    def open_conflicts(self) -> int:
        """Conflicts that nobody has looked at yet."""
        return self._open(self.conflicts)

    @property
    def open_refused(self) -> int:
        """Refused records that nobody has looked at yet."""
        return self._open(self.refused)

    @property
    def behind_all(self) -> int | None:
        """The offset behind the last record that does not count; None where each counts or is a copy."""
        last = [offsets[-1] for offsets in (self.conflicts, self.refused) if offsets]
        return max(last) + 1 if last else None

    def _open(self, offsets: "array[int]") -> int:
        return len(offsets) - bisect_left(offsets, self._looked_to.get(self.topic, 0))
