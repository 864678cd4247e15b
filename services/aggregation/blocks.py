"""Which study is in which block: a fold over the ledger's blocks and the scored studies, in the log's order.

Every counted study is in exactly one closed pulse and one closed portrait, or in the open tail. What the
ledger says is closed stays closed, whatever the scored topic says later: replayed, re-scored, or gone.
"""

from collections.abc import Sequence
from itertools import islice

from services.aggregation.slots import KINDS, Due, Kind, Slot, size_of
from services.contracts.ledger import CountedStudy
from services.contracts.policy import SitePolicy
from services.contracts.studies import StudyScored


class Blocks:
    """The open tails, and just enough memory to count each study once: 16 bytes a study and a patient.

    A process that starts reads the whole ledger first (`open_epoch`, `cover`), then the scored studies
    (`count`); behind that both go on as records come.
    """

    def __init__(self) -> None:
        self._from_offset = 0
        self._read: set[bytes] = set()
        """Studies whose first scored record was seen, or is gone for good."""
        self._earlier: set[bytes] = set()
        """Studies in blocks of earlier epochs: never counted again."""
        self._pulsed: dict[bytes, CountedStudy] = {}
        """Studies in closed pulses of this epoch whose scored record was not seen yet, in block order."""
        self._portrayed: set[bytes] = set()
        """The same for closed portraits."""
        self._patients: dict[bytes, int] = {}
        self._tails: dict[Kind, dict[bytes, Slot]] = {kind: {} for kind in KINDS}

    def open_epoch(self, from_offset: int) -> None:
        """A new epoch begins: studies before `from_offset` of the scored topic, and all that are in closed
        blocks, belong to earlier ones."""
        self._from_offset = from_offset
        self._earlier.update(self._pulsed, self._portrayed)
        self._pulsed.clear()
        self._portrayed.clear()

    def cover(self, kind: Kind, studies: Sequence[CountedStudy]) -> None:
        """The ledger says that a block of the kind holds these studies."""
        for entry in studies:
            study = bytes.fromhex(entry.study)
            if self._tails[kind].pop(study, None) is not None or study in self._read:
                continue
            if kind == "portrait":
                self._portrayed.add(study)
            else:
                self._pulsed[study] = entry
                patient = bytes.fromhex(entry.patient)
                self._patients[patient] = max(self._patients.get(patient, 0), entry.ordinal)

    def count(self, offset: int, scored: StudyScored) -> bool:
        """Take the next record of the scored topic; True if it is the study's first in this epoch.

        A later record of the same study, by another scorer or delivered again, changes nothing here.
        """
        study = bytes.fromhex(scored.study)
        if study in self._read:
            return False
        self._read.add(study)
        if study in self._earlier:
            self._earlier.remove(study)
            return False
        if offset < self._from_offset:
            self._ordinal(scored.patient)
            return False
        entry = self._pulsed.pop(study, None)
        if entry is None:
            self._give_up_the_gone()
            ordinal = self._ordinal(scored.patient)
            entry = CountedStudy(study=scored.study, patient=scored.patient, ordinal=ordinal)
            self._tails["pulse"][study] = Slot(entry, scored)
        self._portray(study, Slot(entry, scored))
        return True

    def due(self, policy: SitePolicy) -> Due | None:
        """The next block that is full, pulses first; None while none is."""
        for kind in KINDS:
            size = size_of(kind, policy)
            if len(self._tails[kind]) >= size:
                return Due(kind, tuple(islice(self._tails[kind].values(), size)))
        return None

    def open_studies(self, kind: Kind) -> int:
        """How many studies wait for the open block of the kind to fill."""
        return len(self._tails[kind])

    def _portray(self, study: bytes, slot: Slot) -> None:
        if study in self._portrayed:
            self._portrayed.remove(study)
        else:
            self._tails["portrait"][study] = slot

    def _give_up_the_gone(self) -> None:
        """A study that no block has comes behind all that have one. Those not met until now are gone.

        The scored topic may have a time limit. A study that it lost between its pulse and its portrait keeps
        its slot there, with the fixed value, so that both kinds go on beginning at the same studies.
        """
        for study, entry in self._pulsed.items():
            self._read.add(study)
            self._portray(study, Slot(entry, None))
        self._pulsed.clear()

    def _ordinal(self, patient: str) -> int:
        key = bytes.fromhex(patient)
        ordinal = self._patients.get(key, 0) + 1
        self._patients[key] = ordinal
        return ordinal
