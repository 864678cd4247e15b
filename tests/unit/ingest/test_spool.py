import os
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from segwatch.errors import RefusedVolume
from services.ingest.inbox import Inbox
from services.ingest.spool import Room, Spool, SpoolFull
from tests.support.images import dicom_slices, little_ct
from tests.support.senders import Disk, by


def file_of(data: Dataset) -> bytes:
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def spool(inbox: Inbox) -> Spool:
    return Spool(inbox)


def arriving(inbox: Inbox) -> list[Path]:
    return list((inbox.root / ".arriving").iterdir())


def test_instances_of_a_series_land_in_one_folder_of_the_inbox(spool: Spool, inbox: Inbox):
    slices = dicom_slices(little_ct())
    sender = by(spool)
    for data in (*slices, slices[0]):
        instance = spool.take(file_of(data), sender)
        assert instance.sop_instance == data.SOPInstanceUID
    sender.carrier.end()
    ((name, files),) = inbox.entries().items()
    assert name.startswith("exam-")
    assert sorted(Path(file).suffix for file, _, _ in files) == ["", ".dcm", ".dcm", ".dcm"]
    assert (inbox.root / name / ".arrived-by").read_text() == "c-store"
    assert arriving(inbox) == []


def test_neither_folder_nor_file_is_named_by_the_sender(spool: Spool, inbox: Inbox):
    data = dicom_slices(little_ct())[0]
    data.SeriesInstanceUID = data.SOPInstanceUID = "1.2.3"
    content = file_of(data).replace(b"1.2.3\0", b"../../")
    spool.take(content, by(spool, "stow-rs"))
    assert all(len(Path(file).stem) in (32, 11) for files in inbox.entries().values() for file, _, _ in files)
    assert sorted(path.name for path in inbox.root.parent.iterdir()) == ["inbox"]


def test_an_instance_of_another_modality_is_taken_for_the_pipeline_to_reject(spool: Spool, inbox: Inbox):
    data = dicom_slices(little_ct())[0]
    data.SOPClassUID, data.Modality = MRImageStorage, "MR"
    spool.take(file_of(data), by(spool))
    assert len(inbox.entries()) == 1


@pytest.mark.parametrize("missing", ["SeriesInstanceUID", "SOPInstanceUID", "StudyInstanceUID"])
def test_an_instance_without_its_uids_is_refused(spool: Spool, inbox: Inbox, missing: str):
    data = dicom_slices(little_ct())[0]
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    delattr(data, missing)
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True) if missing != "SOPInstanceUID" else data.save_as(
        buffer, little_endian=True, implicit_vr=False
    )
    content = buffer.getvalue()
    with pytest.raises(RefusedVolume):
        spool.take(content, by(spool))
    assert inbox.entries() == {}
    assert arriving(inbox) == []


def test_bytes_that_are_no_dicom_are_refused(spool: Spool, inbox: Inbox):
    with pytest.raises(RefusedVolume):
        spool.take(b"no dicom" * 100, by(spool))
    assert arriving(inbox) == []


def test_below_the_mark_nothing_more_is_taken(inbox: Inbox):
    content = file_of(dicom_slices(little_ct())[0])
    nearly_full = Spool(inbox, Room(1, usage=lambda _: Disk(2**30, 2**20 + len(content) - 1)))
    with pytest.raises(SpoolFull, match="room"):
        nearly_full.take(content, by(nearly_full))
    assert inbox.entries() == {}
    assert arriving(inbox) == []
    enough = Spool(inbox, Room(1, usage=lambda _: Disk(2**30, 2**20 + len(content))))
    enough.take(content, by(enough))


def test_a_series_folder_that_is_cleared_in_the_middle_is_made_again(inbox: Inbox):
    content = file_of(dicom_slices(little_ct())[0])
    spool = Spool(inbox)
    cleared = []

    def clear_once(path: str, *_: object) -> None:
        if ".arrived-by" in str(path) and not cleared:
            cleared.append(path)
            shutil.rmtree(Path(path).parent)

    with pytest.MonkeyPatch.context() as patch:
        write = Path.write_text
        patch.setattr(Path, "write_text", lambda self, text: (write(self, text), clear_once(str(self)))[0])
        spool.take(content, by(spool))
    assert cleared
    assert len([file for file, _, _ in next(iter(inbox.entries().values())) if file[:5] != ".open"]) == 2


def test_the_disk_is_asked_by_default(inbox: Inbox):
    assert Spool(inbox).room.left(inbox.root) == pytest.approx(
        os.statvfs(inbox.root).f_bavail * os.statvfs(inbox.root).f_frsize, rel=0.05
    )
