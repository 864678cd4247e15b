"""One case in, its announcement out: read, pseudonymise, store, announce, remember."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from segwatch.contracts.envelope import Event, utc_now
from segwatch.contracts.identity import digest_of, pseudonym, result_id
from segwatch.contracts.studies import StudyReceived
from segwatch.contracts.topics import RECEIVED
from segwatch.errors import Unprocessable
from segwatch.volumes.hounsfield import AskedUnit
from segwatch.volumes.store import VolumeStore
from services.ingest.case import IncomingCase, read_case

NAME = "ingest"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case whose volumes are stored. Without an event it was announced before, just so."""

    study: str
    digest: str
    event: Event[StudyReceived] | None


@dataclass(frozen=True)
class Ingest:
    """Prepares cases, and remembers what was announced.

    Attributes:
        secret: of the pseudonyms, 16 bytes or more.
    """

    store: VolumeStore
    secret: bytes
    ct_unit: AskedUnit = "auto"
    now: Callable[[], datetime] = utc_now

    def prepare(self, folder: Path) -> Prepared:
        """Read the case in the folder and store it, unless it was announced already.

        Raises:
            Unprocessable: see `case.read_case`, and study_changed: announced before, and not as it is now.
            StoreUnavailable, InputUnavailable: to be tried again.
        """
        case = read_case(folder, self.ct_unit)
        study = pseudonym(self.secret, "study", case.study_id)
        digest = digest_of([case.content, case.ct_unit])
        before = self._announced(study)
        if before == digest:
            return Prepared(study, digest, None)
        if before is not None:
            raise Unprocessable(
                "the study was announced before with another CT, mask or unit (a late or missing slice?), and"
                " a study counts once; give it an id of its own in study.json if it is another",
                kind="study_changed",
            )
        return Prepared(study, digest, self._event(case, study, digest))

    def remember(self, prepared: Prepared) -> None:
        """Keep in the store that the study was announced. Lost, it is announced again, under the same id."""
        self.store.put_result(_memory(prepared.study), json.dumps({"digest": prepared.digest}).encode())

    def _event(self, case: IncomingCase, study: str, digest: str) -> Event[StudyReceived]:
        now = self.now()
        name = result_id(NAME, study, digest)
        received = StudyReceived(
            study=study,
            patient=pseudonym(self.secret, "patient", case.patient_id),
            received_at=now,
            arrived_by=case.arrived_by,
            ct=self.store.save_volume(case.ct.array),
            ct_unit=case.ct_unit,
            geometry=case.ct.geometry,
            lesion=None if case.lesion is None else self.store.save_mask(case.lesion),
            lung=None if case.lung is None else self.store.save_mask(case.lung),
            scanner=case.scanner,
            ct_unit_reason=case.ct_unit_reason,
        )
        return Event(
            id=name, type=RECEIVED, key=study, source=f"/{NAME}", time=now, data=received, correlation=name
        )

    def _announced(self, study: str) -> str | None:
        data = self.store.get_result(_memory(study))
        return None if data is None else str(json.loads(data)["digest"])


def _memory(study: str) -> str:
    return result_id(NAME, study, "announced")
