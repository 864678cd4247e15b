"""The hospital's own mask: under which names, by which way, and what happens where it does not come."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.header import mask_file
from segwatch.dicom_masks.joining import Wish
from segwatch.errors import Unprocessable
from segwatch.volumes.image import Volume
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.nifti import write_nifti
from services.ingest.case import CaseFiles, read_case, unread_files
from services.ingest.examination import Assembly, Chosen, NotComplete
from services.ingest.patience import Patience
from tests.support.dicom_masks import contours, saved, segmentation
from tests.support.images import dicom_slices, little_ct, save_all

GEOMETRY = Geometry(
    shape_zyx=(4, 20, 18),
    spacing_zyx_mm=(2.5, 0.75, 0.5),
    origin_xyz_mm=(-120.5, 30.25, 1000.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
CT = Volume(np.zeros(GEOMETRY.shape_zyx, np.int16), GEOMETRY)
LESION = np.zeros(GEOMETRY.shape_zyx, np.bool_)
LESION[1:3, 4:9, 5:12] = True


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "case"
    folder.mkdir()
    ct = little_ct()
    write_nifti(folder / "ct.nii.gz", ct.array, ct.geometry)
    return folder


def put(folder, name, array):
    made = folder / ("made.nii.gz" if name.lower().endswith(".gz") else "made.nii")
    write_nifti(made, array, little_ct().geometry)
    made.rename(folder / name)


@pytest.mark.parametrize("name", ["lesion_predicted.nii", "Lesion_Predicted.NII.GZ", "LESION_PREDICTED.nii"])
def test_a_mask_is_taken_under_any_ending_and_in_any_case_of_letters(folder, name):
    mask = little_ct().array > -950
    put(folder, name, mask)
    np.testing.assert_array_equal(read_case(folder, "auto").lesion, mask)


@pytest.mark.parametrize("name", ["case_001.nii.gz", "lesion_predicted.nhdr", "report.pdf", "notes.txt"])
def test_a_file_that_is_not_known_refuses_the_case_by_name(folder, name):
    (folder / name).write_bytes(b"something")
    with pytest.raises(Unprocessable, match=name):
        read_case(folder, "auto")
    assert (folder / name).exists()


def test_two_masks_under_two_endings_are_refused(folder):
    for name in ("lesion_predicted.nii", "lesion_predicted.nii.gz"):
        put(folder, name, little_ct().array > -950)
    with pytest.raises(Unprocessable, match="both the case's lesion_predicted"):
        read_case(folder, "auto")


def test_what_is_known_and_not_read_is_named_so_that_it_outlasts_the_entry(folder):
    put(folder, "lesion_truth.nii.gz", little_ct().array > -950)
    (folder / ".DS_Store").write_bytes(b"x")
    assert [path.name for path in unread_files(folder)] == [".DS_Store", "lesion_truth.nii.gz"]


@pytest.mark.parametrize(("said", "voxels"), [("3", 1), ("2", 2), ("1,3", 3), ("any", 5)])
def test_the_label_that_the_site_names_is_lesion(folder, said, voxels):
    labels = np.zeros(little_ct().array.shape, np.uint8)
    labels.ravel()[:5] = [1, 1, 2, 2, 3]
    put(folder, "lesion_predicted.nii.gz", labels)
    assert read_case(folder, "auto", Wish(LesionLabel(said))).lesion.sum() == voxels


def test_several_labels_and_no_word_on_them_are_refused_with_their_list(folder):
    labels = np.zeros(little_ct().array.shape, np.uint8)
    labels.ravel()[:3] = [1, 2, 7]
    put(folder, "lesion_predicted.nii.gz", labels)
    with pytest.raises(Unprocessable, match="1, 2, 7") as caught:
        read_case(folder, "auto")
    assert caught.value.kind == "several_labels"


@pytest.mark.parametrize("make", [segmentation, contours])
def test_a_dicom_mask_gives_the_case_that_the_file_gives(tmp_path, make):
    slices = dicom_slices(CT)
    folder = tmp_path / "case"
    files = tuple(save_all(slices, folder))
    mask = mask_file(saved(make(slices, {"lesion": LESION}, GEOMETRY), folder / "m.dcm"))
    found = read_case(CaseFiles(folder, files, (mask,)), "auto")
    (folder / "m.dcm").unlink()
    write_nifti(folder / "lesion_predicted.nii.gz", LESION, GEOMETRY)
    as_file = read_case(CaseFiles(folder, files), "auto")
    np.testing.assert_array_equal(found.lesion, LESION)
    assert found.content == as_file.content


def chosen(folder, masks=()):
    return Assembly((Chosen(CaseFiles(folder, (), masks)),))


def test_a_ct_waits_for_its_mask_as_long_as_is_said(tmp_path):
    now = [0.0]
    waiting = Patience(60, "model", lambda: now[0])
    for now[0] in (0.0, 59.0):
        with pytest.raises(NotComplete):
            waiting.with_masks(tmp_path, chosen(tmp_path))
    now[0] = 60.0
    assert not waiting.with_masks(tmp_path, chosen(tmp_path)).cases[0].case.no_mask


def test_where_no_mask_comes_the_study_has_none_or_waits(tmp_path):
    none = Patience(0, "no_mask").with_masks(tmp_path, chosen(tmp_path))
    assert none.cases[0].case.no_mask
    with pytest.raises(NotComplete):
        Patience(0, "wait", lambda: 1e9).with_masks(tmp_path, chosen(tmp_path))


def test_a_ct_with_its_mask_does_not_wait(tmp_path):
    slices = dicom_slices(CT)
    mask = mask_file(saved(contours(slices, {"lesion": LESION}, GEOMETRY), tmp_path / "m.dcm"))
    assembly = chosen(tmp_path, (mask,))
    assert Patience(1e9, "wait").with_masks(tmp_path, assembly) is assembly
    assert not mask.belongs_to(generate_uid(), frozenset())
