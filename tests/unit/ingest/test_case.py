import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedVolume, Unprocessable
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from services.ingest.case import InputUnavailable, read_case
from services.ingest.inbox import Inbox
from tests.support.images import dicom_slices, little_ct, save_all

WriteCase = Callable[..., Path]


def kind_of(folder: Path) -> str:
    with pytest.raises(Unprocessable) as caught:
        read_case(folder, "auto")
    return caught.value.kind


def test_a_nifti_case_is_its_ct_and_its_masks(write_case: WriteCase):
    ct = little_ct()
    folder = write_case("case 1", ct, lesion_predicted=ct.array > -950, lung=ct.array > -980)
    case = read_case(folder, "hu")
    np.testing.assert_array_equal(case.ct.array, ct.array)
    np.testing.assert_array_equal(case.lesion, ct.array > -950)
    np.testing.assert_array_equal(case.lung, ct.array > -980)
    assert (case.ct_unit, case.arrived_by, case.scanner) == ("hu", "folder", None)
    assert case.patient_id == "case 1"


def test_the_truth_is_never_read(write_case: WriteCase):
    folder = write_case("case")
    content = read_case(folder, "auto").content
    (folder / "lesion_truth.nii.gz").write_bytes(b"not even an image")
    case = read_case(folder, "auto")
    assert (case.lesion, case.content) == (None, content)


def test_without_an_id_a_nifti_study_is_what_its_ct_shows(write_case: WriteCase):
    one, same, other = (
        read_case(write_case(name, little_ct(seed)), "auto") for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one.study_id == same.study_id != other.study_id
    assert one.content == same.content != other.content


def test_a_flipped_file_is_the_same_study(write_case: WriteCase):
    ct = little_ct()
    one = read_case(write_case("a", ct), "auto")
    flipped = ct.geometry.model_copy(
        update={
            "direction": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
            "origin_xyz_mm": (-118.5, 30.25, 1000.0),
        }
    )
    other = read_case(write_case("b", Volume(ct.array[:, :, ::-1], flipped)), "auto")
    assert one.study_id == other.study_id
    assert one.content == other.content


def test_study_json_says_whose_it_is(write_case: WriteCase):
    folder = write_case("case")
    (folder / "study.json").write_text(json.dumps({"patient": "P 1", "study": "S 1"}))
    case = read_case(folder, "auto")
    assert (case.patient_id, case.study_id) == ("P 1", "S 1")
    (folder / "study.json").write_text(json.dumps({"patient": "P 1"}))
    assert read_case(folder, "auto").patient_id == "P 1"


@pytest.mark.parametrize("text", ["{", "[]", '{"patient": 7}', '{"patient": " "}', '{"name": "Doe"}'])
def test_a_study_json_that_is_off_is_refused_without_its_content(write_case: WriteCase, text: str):
    folder = write_case("case")
    (folder / "study.json").write_text(text)
    with pytest.raises(Unprocessable) as caught:
        read_case(folder, "auto")
    assert caught.value.kind == "bad_study_json"
    assert "Doe" not in str(caught.value)


def test_a_dicom_series_is_a_case(inbox: Inbox):
    slices = dicom_slices(little_ct())
    for data in slices:
        data.Manufacturer = "Maker"
    save_all(slices, inbox.root / "Doe^Jane")
    case = read_case(inbox.root / "Doe^Jane", "auto")
    np.testing.assert_array_equal(case.ct.array, little_ct().array)
    assert (case.patient_id, case.study_id) == ("PAT 1", slices[0].SeriesInstanceUID)
    assert case.scanner
    assert case.scanner.manufacturer == "Maker"


def test_a_dicom_series_without_patient_is_a_patient_of_its_own(inbox: Inbox):
    slices = dicom_slices(little_ct())
    for data in slices:
        data.PatientID = ""
    save_all(slices, inbox.root / "case")
    case = read_case(inbox.root / "case", "auto")
    assert case.patient_id == case.study_id


def test_masks_may_stand_beside_dicom_slices(inbox: Inbox):
    ct = little_ct()
    folder = inbox.root / "case"
    save_all(dicom_slices(ct), folder)
    write_nifti(folder / "lesion_predicted.nii.gz", ct.array > -950, ct.geometry)
    np.testing.assert_array_equal(read_case(folder, "auto").lesion, ct.array > -950)


def test_an_empty_mask_is_no_error(write_case: WriteCase):
    folder = write_case("case", lesion_predicted=np.zeros((3, 4, 5), bool))
    lesion = read_case(folder, "auto").lesion
    assert lesion is not None
    assert not lesion.any()


def test_a_mask_of_another_shape_is_refused(write_case: WriteCase):
    folder = write_case("case")
    other = little_ct().geometry.model_copy(update={"shape_zyx": (2, 4, 5)})
    write_nifti(folder / "lesion_predicted.nii.gz", np.ones((2, 4, 5), bool), other)
    assert kind_of(folder) == "shape_mismatch"


def test_display_values_are_hu_only_where_the_caller_says_so(write_case: WriteCase):
    grey = Volume(np.abs(little_ct().array + 900), little_ct().geometry)
    folder = write_case("case", grey)
    seen, told = read_case(folder, "auto"), read_case(folder, "display")
    assert (seen.ct_unit, told.ct_unit) == ("unknown", "display")
    assert told.ct.array.min() < -400
    assert seen.content == told.content


def test_hu_are_no_display_values(write_case: WriteCase):
    with pytest.raises(RefusedVolume) as caught:
        read_case(write_case("case"), "display")
    assert caught.value.kind == "not_display"


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("ct.nii.gz", "truncated_file"),
        ("IM0001", "unreadable"),
        ("notes.txt", "unknown_file"),
        (".hidden", "no_ct"),
    ],
)
def test_a_folder_without_a_ct_says_so(inbox: Inbox, file: str, kind: str):
    (inbox.root / "case").mkdir()
    (inbox.root / "case" / file).write_bytes(b"text")
    assert kind_of(inbox.root / "case") == kind


def test_a_loose_file_is_no_case(inbox: Inbox):
    (inbox.root / "ct.nii.gz").write_bytes(b"x")
    assert kind_of(inbox.root / "ct.nii.gz") == "not_a_case"


def test_an_input_that_cannot_be_read_now_stays(write_case: WriteCase):
    folder = write_case("case")
    (folder / "ct.nii.gz").unlink()
    (folder / "a.dcm").symlink_to("/proc/self/mem")  # reading it is an error of the disk
    with pytest.raises(InputUnavailable, match="case"):
        read_case(folder, "auto")


def test_a_folder_whose_name_is_no_text_is_refused(inbox: Inbox):
    folder = inbox.root / os.fsdecode(b"J\xf6rg")
    folder.mkdir()
    (folder / "ct.nii.gz").write_bytes(b"x")
    with pytest.raises(Unprocessable) as caught:
        read_case(folder, "auto")
    assert caught.value.kind == "bad_name"


def test_what_is_said_beside_a_ct_is_read_in_bounded_memory(write_case: WriteCase):
    case = write_case("one")
    with (case / "study.json").open("wb") as file:
        file.truncate(2**33)  # a hole: no disk is taken
    with (case / ".arrived-by").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(Unprocessable) as caught:
        read_case(case, "auto")
    assert caught.value.kind == "bad_study_json"
    (case / "study.json").unlink()
    assert read_case(case, "auto").arrived_by == "folder"


def test_slices_however_deep_in_folders_are_found(inbox: Inbox):
    folder = inbox.root / "deep"
    bottom = folder.joinpath(*["d"] * 1200)
    nested(folder, 1200)
    save_all(dicom_slices(little_ct()), bottom)
    assert len(inbox.entries()["deep"]) == 3
    assert read_case(folder, "auto").ct.array.shape == (3, 4, 5)
    inbox.clear("deep", inbox.fingerprint("deep"))
    assert not folder.exists()


def nested(folder: Path, depth: int) -> None:
    for _ in range(depth + 1):
        folder.mkdir()
        folder = folder / "d"
