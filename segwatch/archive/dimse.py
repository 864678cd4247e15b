"""An archive asked by DICOM's network: C-FIND, C-MOVE, C-GET; and ingest's door, sent to by C-STORE.

Source: DICOM PS3.4 annexes B, C; information model Study Root.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID
from pynetdicom import AE, StoragePresentationContexts, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from segwatch.archive.peer import ArchivedSeries, ArchivedStudy, ArchiveUnavailable, Peer

Send = Callable[[pydicom.Dataset, FileMetaDataset], int]
MOST_CONTEXTS = 126
"""An association has room for 128."""
FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
MOVE = UID("1.2.840.10008.5.1.4.1.2.2.2")
GET = UID("1.2.840.10008.5.1.4.1.2.2.3")
"""Study Root Query/Retrieve Information Model (PS3.4 C.6.2)."""
PENDING = (0xFF00, 0xFF01)
SUCCESS = 0x0000
WITH_FAILURES = 0xB000
STORED = StoragePresentationContexts[:MOST_CONTEXTS]
"""What comes over our own association: an archive gives what it has of these."""
PATIENCE_SECONDS = 60.0
"""For one answer of the archive; it may have to fetch from tape between two images."""


@dataclass(frozen=True)
class Archive:
    """Asks an archive what it has.

    Attributes:
        calling: the title that it knows us by.
    """

    peer: Peer
    calling: str

    def studies(self, first: date, last: date) -> list[ArchivedStudy]:
        """Every examination with a CT series of these days; see `peer.Source`."""
        wanted = {
            "QueryRetrieveLevel": "STUDY",
            "StudyDate": f"{first:%Y%m%d}-{last:%Y%m%d}",
            "ModalitiesInStudy": "CT",
            "StudyInstanceUID": "",
        }
        with self._association([build_context(FIND)]) as association:
            found = [
                ArchivedStudy(
                    str(each.get("StudyInstanceUID") or ""),
                    str(each.get("StudyDate") or ""),
                    tuple(self._series(association, str(each.get("StudyInstanceUID") or ""))),
                )
                for each in list(_find(association, wanted))
            ]
        # An archive that does not match by modality gives all of them.
        with_ct = [each for each in found if any(one.modality == "CT" for one in each.series)]
        return sorted(with_ct, key=lambda each: (each.day, each.uid))

    def series(self, study_uid: str) -> list[ArchivedSeries]:
        """The series of an examination.

        Raises:
            ArchiveUnavailable: ask again later.
        """
        with self._association([build_context(FIND)]) as association:
            return self._series(association, study_uid)

    def move(self, study_uid: str, target: str) -> int:
        """Have the archive send an examination to a title that it knows; how many images it sent.

        Raises:
            ArchiveUnavailable: it sent none, or not all of them.
        """
        with self._association([build_context(MOVE)]) as association:
            answers = association.send_c_move(_of_study(study_uid), target, MOVE)
            return _retrieved(answers, f"move to {target}")

    def get(self, study_uid: str, onwards: Peer) -> int:
        """Fetch an examination over the same association, and send it on image by image; how many came.

        Raises:
            ArchiveUnavailable: not all of them came, or could be sent on.
        """
        classes = [str(each.abstract_syntax) for each in STORED]
        contexts = [build_context(GET), *map(build_context, classes)]
        roles = [build_role(UID(each), scp_role=True) for each in classes]
        with send_to(onwards, self.calling) as send, self._association(contexts, roles, send) as association:
            return _retrieved(association.send_c_get(_of_study(study_uid), GET), "get")

    def _series(self, association: Association, study_uid: str) -> list[ArchivedSeries]:
        wanted = {
            "QueryRetrieveLevel": "SERIES",
            "StudyInstanceUID": study_uid,
            "SeriesInstanceUID": "",
            "Modality": "",
            "NumberOfSeriesRelatedInstances": "",
        }
        return [
            ArchivedSeries(
                str(each.get("SeriesInstanceUID") or ""),
                str(each.get("Modality") or ""),
                int(each.get("NumberOfSeriesRelatedInstances") or 0),
            )
            for each in _find(association, wanted)
        ]

    @contextmanager
    def _association(
        self, contexts: Sequence[PresentationContext], roles: Sequence[Any] = (), send: Send | None = None
    ) -> Iterator[Association]:
        handlers: list[Any] = []
        if send is not None:
            handlers = [(evt.EVT_C_STORE, lambda event: send(event.dataset, event.file_meta))]
        with associated(self.peer, self.calling, contexts, roles, handlers) as association:
            yield association


@contextmanager
def associated(
    peer: Peer,
    calling: str,
    contexts: Sequence[PresentationContext],
    roles: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Association]:
    """An association with a peer, released at the end, or aborted where the block fails.

    Raises:
        ArchiveUnavailable: there is none.
    """
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE_SECONDS
    association = entity.associate(
        peer.host, peer.port, list(contexts), peer.title, ext_neg=list(roles), evt_handlers=list(handlers)
    )
    if not association.is_established:
        why = "refuses the association" if association.is_rejected else "does not answer"
        raise ArchiveUnavailable(
            f"{peer.title} at {peer.host}:{peer.port} {why}: check both, and that it knows {calling}"
        )
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    association.release()


@contextmanager
def send_to(peer: Peer, calling: str) -> Iterator[Send]:
    """What sends one image to a peer by C-STORE, as it is, and gives the status.

    Raises:
        ArchiveUnavailable: the peer does not take associations.
    """
    contexts = [build_context(str(each.abstract_syntax)) for each in STORED]
    with associated(peer, calling, contexts) as association:

        def send(dataset: pydicom.Dataset, meta: FileMetaDataset) -> int:
            dataset.file_meta = meta
            answer = association.send_c_store(dataset)
            return int(answer.get("Status", 0xA700))

        yield send


def _find(association: Association, wanted: dict[str, str]) -> Iterator[pydicom.Dataset]:
    query = pydicom.Dataset()
    for keyword, value in wanted.items():
        setattr(query, keyword, value)
    for status, identifier in association.send_c_find(query, FIND):
        code = status.get("Status")
        if code in PENDING and identifier is not None:
            yield identifier
        elif code != SUCCESS:
            said = "broke off" if code is None else f"answered {code:#06x}"
            raise ArchiveUnavailable(f"the archive {said} when it was asked what it has (C-FIND)")


def _of_study(study_uid: str) -> pydicom.Dataset:
    wanted = pydicom.Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = study_uid
    return wanted


def _retrieved(answers: Iterator[Any], what: str) -> int:
    code, sent, failed = None, 0, 0
    for status, _ in answers:
        code = status.get("Status")
        sent = int(status.get("NumberOfCompletedSuboperations") or sent)
        failed = int(status.get("NumberOfFailedSuboperations") or 0)
    if code != SUCCESS or failed:
        said = "broke off" if code is None else f"answered {code:#06x}, {failed} images failed"
        raise ArchiveUnavailable(f"the archive {said} ({what})")
    return sent
