"""One case in, its announcement out: read, pseudonymise, store, announce, remember."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from segwatch.contracts.envelope import Event, utc_now
from segwatch.contracts.identity import digest_of, pseudonym, result_id
from segwatch.contracts.studies import Arrival, Scanner, StudyReceived
from segwatch.contracts.topics import RECEIVED
from segwatch.dicom_masks.joining import Wish
from segwatch.errors import Unprocessable
from segwatch.volumes.hounsfield import AskedUnit
from segwatch.volumes.store import VolumeStore
from services.ingest.case import CaseFiles, IncomingCase, read_case
from services.ingest.versions import Announced, read_announced, relation

NAME = "ingest"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case whose volumes are stored. Without an event it was announced before, just so or with more."""

    study: str
    digest: str
    event: Event[StudyReceived] | None

    @property
    def outcome(self) -> Literal["announced", "new_version", "duplicate"]:
        """What becomes of it."""
        if self.event is None:
            return "duplicate"
        return "announced" if self.version == 1 else "new_version"

    @property
    def version(self) -> int:
        """Which version of the study it is."""
        arrival = self.event.data.arrival if self.event else None
        return arrival.version if arrival else 1


@dataclass(frozen=True, slots=True)
class Titles:
    """The titles of this service that say more than where to: the others are for what comes live.

    Attributes:
        backfill: what is sent here was fetched from the archive, and carries its own date.
        trial: so was this, and it is counted in no block.
    """

    backfill: str | None = None
    trial: str | None = None


@dataclass(frozen=True)
class Ingest:
    """Prepares cases, and remembers what was announced.

    Attributes:
        secret: of the pseudonyms, 16 bytes or more.
        wish: which label of the hospital's own masks is lesion.
    """

    store: VolumeStore
    secret: bytes
    ct_unit: AskedUnit = "auto"
    now: Callable[[], datetime] = utc_now
    titles: Titles = field(default_factory=Titles)
    wish: Wish = field(default_factory=Wish)

    def prepare(self, files: Path | CaseFiles) -> Prepared:
        """Read the case and store it, unless it was announced already.

        Raises:
            Unprocessable: see `case.read_case`, and study_changed: announced before, and not as it is now.
            StoreUnavailable, InputUnavailable: to be tried again.
        """
        case = read_case(files, self.ct_unit, self.wish)
        study = pseudonym(self.secret, "study", case.study_id)
        parts = [case.content, case.ct_unit]
        trial = self.titles.trial is not None and case.called == self.titles.trial
        marks = {"incomplete": bool(case.incomplete), "trial": trial, "no_mask": case.no_mask}
        digest = digest_of([*parts, *(mark for mark, there in marks.items() if there)])
        before = self._announced(study)
        if before is None:
            return Prepared(study, digest, self._event(case, study, digest, self._arrival(case, trial, None)))
        how = relation(before, case, digest, trial, self.store)
        if how in ("same", "less"):
            return Prepared(study, digest, None)
        if how == "other":
            raise Unprocessable(
                "the study was announced before with another CT, mask or unit: slices that were announced are"
                " missing or differ, and a study counts once; send all of it again, or give it an id of its"
                " own in study.json if it is another",
                kind="study_changed",
            )
        return Prepared(study, digest, self._event(case, study, digest, self._arrival(case, trial, before)))

    def remember(self, prepared: Prepared) -> None:
        """Keep in the store that the study was announced. Lost, it is announced again, under the same id."""
        event = prepared.event
        known = Announced(
            digest=prepared.digest, event=event.id if event else None, received=event.data if event else None
        )
        self.store.put_result(_memory(prepared.study), known.model_dump_json().encode())

    def _arrival(self, case: IncomingCase, trial: bool, before: Announced | None) -> Arrival | None:
        """What is special about how it came; None where nothing is."""
        fetched = case.called is not None and case.called in (self.titles.backfill, self.titles.trial)
        found = Arrival(
            version=before.version + 1 if before else 1,
            replaces=before.event if before else None,
            incomplete=case.incomplete,
            no_mask=case.no_mask,
            trial=trial,
            acquired_at=case.acquired_at if fetched else None,
        )
        return None if found == Arrival() else found

    def _event(
        self, case: IncomingCase, study: str, digest: str, arrival: Arrival | None
    ) -> Event[StudyReceived]:
        now = self.now()
        # What comes back after it was replaced is another announcement than it was then.
        name = result_id(
            NAME, study, digest_of([digest, arrival.replaces]) if arrival and arrival.replaces else digest
        )
        received = StudyReceived(
            study=study,
            patient=pseudonym(self.secret, "patient", case.patient_id),
            received_at=now,
            arrival=arrival,
            arrived_by=case.arrived_by,
            ct=self.store.save_volume(case.ct.array),
            ct_unit=case.ct_unit,
            geometry=case.ct.geometry,
            lesion=None if case.lesion is None else self.store.save_mask(case.lesion),
            lung=None if case.lung is None else self.store.save_mask(case.lung),
            scanner=self._scanner(case),
            ct_unit_reason=case.ct_unit_reason,
        )
        return Event(
            id=name, type=RECEIVED, key=study, source=f"/{NAME}", time=now, data=received, correlation=name
        )

    def _scanner(self, case: IncomingCase) -> Scanner | None:
        """The scanner; the protocol's name, which is free text, as a keyed hash."""
        if case.scanner is None or not case.protocol:
            return case.scanner
        return case.scanner.model_copy(update={"protocol": pseudonym(self.secret, "protocol", case.protocol)})

    def _announced(self, study: str) -> Announced | None:
        return read_announced(self.store.get_result(_memory(study)))


def _memory(study: str) -> str:
    return result_id(NAME, study, "announced")
