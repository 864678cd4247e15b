"""Which study is in which block: a fold over the ledger's blocks and the scored studies, in the log's order.

Every counted study is in exactly one closed pulse and one closed portrait, or in the open tail. What the
ledger says is closed stays closed, whatever the scored topic says later: replayed, re-scored, or gone.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from segwatch.aggregation.index import Index
from segwatch.aggregation.mechanism.slots import KINDS, Due, Kind, Slot, size_of
from segwatch.contracts.ledger import CountedStudy
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.studies import StudyScored

Renewal = Literal["renewed", "known", "late"]
"""The version is in the open block now; it was there already, or a later one; its block is closed."""


def version_of(scored: StudyScored) -> int:
    """Which version of the study was scored."""
    return scored.arrival.version if scored.arrival else 1


class Blocks:
    """The open tails, and what is needed to count each study once: on the disk, but for what is open.

    A process that starts reads the whole ledger first (`open_epoch`, `cover`), then the scored studies
    (`count`); behind that both go on as records come. A study is done with when it is in a closed block of
    each kind, or belongs to an earlier epoch; of those that are not there are as many as an open portrait
    holds, since both kinds follow one order.
    """

    def __init__(self) -> None:
        self._index = Index()
        self._from_offset = 0
        self._pulsed: dict[bytes, CountedStudy] = {}
        """Studies in a closed pulse and no portrait whose scored record was not seen yet, in block order."""
        self._portrayed: set[bytes] = set()
        """The same for a closed portrait and no pulse."""
        self._tails: dict[Kind, dict[bytes, Slot]] = {kind: {} for kind in KINDS}

    def open_epoch(self, from_offset: int) -> None:
        """A new epoch begins: studies before `from_offset` of the scored topic, and all that are in closed
        blocks, belong to earlier ones."""
        self._from_offset = from_offset
        self._index.done([*self._pulsed, *self._portrayed])
        self._pulsed.clear()
        self._portrayed.clear()

    def cover(self, kind: Kind, studies: Sequence[CountedStudy]) -> None:
        """The ledger says that a block of the kind holds these studies."""
        by_id = {bytes.fromhex(entry.study): entry for entry in studies}
        known = self._index.are_done(list(by_id))
        done = [
            study for study, entry in by_id.items() if study not in known and self._cover(kind, study, entry)
        ]
        self._index.done(done)
        if kind == "pulse":
            self._index.counted_at_least((bytes.fromhex(entry.patient), entry.ordinal) for entry in studies)

    def count(self, offset: int, scored: StudyScored) -> bool:
        """Take the next record of the scored topic; True if it is the study's first in this epoch.

        A later record of the same study, by another scorer or delivered again, changes nothing here.
        """
        study = bytes.fromhex(scored.study)
        if any(study in tail for tail in self._tails.values()) or self._index.is_done(study):
            return False
        if offset < self._from_offset:
            self._before_the_epoch(study, bytes.fromhex(scored.patient))
            return False
        entry = self._pulsed.pop(study, None)
        if entry is None:
            self._give_up_the_gone()
            ordinal = self._index.next_ordinal(bytes.fromhex(scored.patient))
            entry = CountedStudy(study=scored.study, patient=scored.patient, ordinal=ordinal)
            self._tails["pulse"][study] = Slot(entry, scored, offset)
        if study in self._portrayed:
            self._portrayed.remove(study)
        else:
            self._tails["portrait"][study] = Slot(entry, scored, offset)
        return True

    def renew(self, scored: StudyScored) -> Renewal:
        """Take a later version of a study, whose record did not count as its first.

        It takes the place of the version before while the study is in no closed pulse. Afterwards what was
        released stays as it was, and so does what the study's portrait will say.
        """
        study = bytes.fromhex(scored.study)
        slot = self._tails["pulse"].get(study)
        if slot is None:
            return "late"
        if slot.scored is None or version_of(slot.scored) >= version_of(scored):
            return "known"
        for tail in self._tails.values():
            if study in tail:
                tail[study] = replace(tail[study], scored=scored)
        return "renewed"

    def are_done(self, studies: Sequence[bytes]) -> set[bytes]:
        """Those of the studies whose records, be they old or new, change nothing here any more."""
        return self._index.are_done(studies)

    def due(self, policy: SitePolicy) -> Due | None:
        """The next block that is full, pulses first; None while none is."""
        for kind in KINDS:
            size = size_of(kind, policy)
            if len(self._tails[kind]) >= size:
                return Due(kind, tuple(islice(self._tails[kind].values(), size)))
        return None

    def open_slots(self, kind: Kind) -> Sequence[Slot]:
        """The studies that wait for the open block of the kind to fill, in the log's order."""
        return tuple(self._tails[kind].values())

    def open_studies(self, kind: Kind) -> int:
        """How many studies wait for the open block of the kind to fill."""
        return len(self._tails[kind])

    def close(self) -> None:
        """Let the disk's part go."""
        self._index.close()

    def _cover(self, kind: Kind, study: bytes, entry: CountedStudy) -> bool:
        """Whether the study, which was not done with, is in a closed block of each kind now."""
        own = self._tails[kind].pop(study, None)
        other: Kind = "portrait" if kind == "pulse" else "pulse"
        if study in self._tails[other]:
            return False
        if own is not None:
            return True
        if kind == "pulse" and study not in self._portrayed:
            self._pulsed[study] = entry
            return False
        if kind == "portrait" and study not in self._pulsed:
            self._portrayed.add(study)
            return False
        self._pulsed.pop(study, None)
        self._portrayed.discard(study)
        return True

    def _before_the_epoch(self, study: bytes, patient: bytes) -> None:
        self._index.done([study])
        self._index.next_ordinal(patient)

    def _give_up_the_gone(self) -> None:
        """A study that no block has comes behind all that have one. Those not met until now are gone.

        The scored topic may have a time limit. A study that it lost between its pulse and its portrait keeps
        its slot there, with the fixed value, so that both kinds go on beginning at the same studies.
        """
        for study, entry in self._pulsed.items():
            self._tails["portrait"][study] = Slot(entry, None)
        self._pulsed.clear()
