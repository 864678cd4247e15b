"""C-STORE with a real sender on loopback."""

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, Association
from pynetdicom.presentation import build_context

from segwatch.errors import BadSettings
from services.ingest.c_store import CStoreServer
from services.ingest.inbox import Inbox
from services.ingest.spool import Room, Spool
from tests.support.images import dicom_slices, little_ct
from tests.support.senders import FULL

VERIFICATION = "1.2.840.10008.1.1"
ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"


@pytest.fixture
def server(inbox: Inbox) -> Iterator[CStoreServer]:
    server = CStoreServer(Spool(inbox), host="127.0.0.1", port=0)
    yield server
    server.close()


def call(port: int, called: str = "SEGWATCH") -> Association:
    entity = AE(ae_title="SCANNER")
    contexts = [
        build_context(c, ExplicitVRLittleEndian) for c in (VERIFICATION, CTImageStorage, MRImageStorage)
    ]
    contexts += [
        build_context(ENHANCED, ExplicitVRLittleEndian),
        build_context(CTImageStorage, JPEG_LOSSLESS),
    ]
    return entity.associate("127.0.0.1", port, contexts, ae_title=called)


def send(port: int, *datasets: Dataset) -> list[int]:
    association = call(port)
    assert association.is_established
    try:
        return [association.send_c_store(data).Status for data in datasets]
    finally:
        association.release()


def test_a_series_is_received_and_lands_in_the_inbox(server: CStoreServer, inbox: Inbox):
    assert send(server.port, *dicom_slices(little_ct())) == [0, 0, 0]
    ((_, files),) = inbox.entries().items()
    assert len([file for file, _, _ in files if file.endswith(".dcm")]) == 3


def test_echo_is_answered(server: CStoreServer):
    association = call(server.port)
    assert association.send_c_echo().Status == 0
    association.release()


def test_ct_classes_and_compressed_pixels_are_offered(server: CStoreServer):
    association = call(server.port)
    accepted = {(c.abstract_syntax, c.transfer_syntax[0]) for c in association.accepted_contexts}
    association.release()
    assert {(ENHANCED, ExplicitVRLittleEndian), (CTImageStorage, JPEG_LOSSLESS)} <= accepted


def test_another_modality_is_taken(server: CStoreServer, inbox: Inbox):
    data = dicom_slices(little_ct())[0]
    data.SOPClassUID, data.Modality = MRImageStorage, "MR"
    assert send(server.port, data) == [0]
    assert len(inbox.entries()) == 1


def test_a_caller_of_another_title_is_turned_away(server: CStoreServer):
    assert call(server.port, "OTHER").is_rejected


def test_a_full_disk_is_answered_by_out_of_resources(inbox: Inbox):
    full = Spool(inbox, FULL)
    server = CStoreServer(full, host="127.0.0.1", port=0)
    try:
        assert send(server.port, dicom_slices(little_ct())[0]) == [0xA700]
    finally:
        server.close()
    assert inbox.entries() == {}


def test_an_instance_without_series_is_not_understood(server: CStoreServer, inbox: Inbox):
    data = dicom_slices(little_ct())[0]
    del data.SeriesInstanceUID
    assert send(server.port, data) == [0xC000]
    assert inbox.entries() == {}


def test_a_disk_that_fails_is_a_failure_and_the_server_goes_on(inbox: Inbox):
    def broken(_folder: object) -> int:
        raise OSError(5, "Input/output error")

    spools = [Spool(inbox, Room(usage=broken)), Spool(inbox)]
    answers = []
    for spool in spools:
        server = CStoreServer(spool, host="127.0.0.1", port=0)
        answers += send(server.port, dicom_slices(little_ct())[0])
        server.close()
    assert answers == [0x0110, 0]


def test_a_port_that_is_taken_is_a_bad_setting(server: CStoreServer, inbox: Inbox):
    with pytest.raises(BadSettings, match="SEGWATCH_DICOM_PORT"):
        CStoreServer(Spool(inbox), host="127.0.0.1", port=server.port)
