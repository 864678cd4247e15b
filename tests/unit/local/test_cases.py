"""Finding a user's cases."""

import pytest

from deploy.local.story.cases import find_cases, hand_over


def write(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"\0" * 128 + b"DICM" if name.endswith(".dcm") else b"x")


def test_nifti_cases_dicom_folders_and_strangers_are_told_apart(tmp_path):
    write(tmp_path / "one", "ct.nii.gz", "lesion_predicted.nii.gz", "lesion_truth.nii.gz", "notes.txt")
    write(tmp_path / "deep" / "series", "1.dcm", "2.dcm", "README")
    write(tmp_path / "other", "scan.mha")
    found = find_cases(tmp_path)
    assert {name: [file.name for file in files] for name, files in found.cases.items()} == {
        "deep_series": ["1.dcm", "2.dcm"],
        "one": ["ct.nii.gz", "lesion_predicted.nii.gz"],
    }
    assert found.truths == {"one": tmp_path / "one" / "lesion_truth.nii.gz"}
    assert found.strangers == ["deep/series/README", "one/notes.txt", "other/scan.mha"]


def test_images_of_any_format_and_masks_beside_slices_belong_to_their_case(tmp_path):
    write(
        tmp_path / "a", "ct.nrrd", "lesion_predicted.mha", "lung.nii", "lesion_truth.NII.GZ", "dataset.json"
    )
    write(tmp_path / "b", "1.dcm", "2.dcm", "Lesion_Predicted.nii.gz", "study.json", "ct.hdr")
    found = find_cases(tmp_path)
    assert {name: sorted(file.name for file in files) for name, files in found.cases.items()} == {
        "a": ["ct.nrrd", "dataset.json", "lesion_predicted.mha", "lung.nii"],
        "b": ["1.dcm", "2.dcm", "Lesion_Predicted.nii.gz", "study.json"],
    }
    assert found.truths == {"a": tmp_path / "a" / "lesion_truth.NII.GZ"}
    assert found.strangers == ["b/ct.hdr"]


def test_the_folder_itself_may_be_a_case(tmp_path):
    write(tmp_path / "mine", "ct.nii.gz")
    assert list(find_cases(tmp_path / "mine").cases) == ["mine"]


def test_truth_without_a_ct_is_a_stranger(tmp_path):
    write(tmp_path / "one", "lesion_truth.nii.gz")
    found = find_cases(tmp_path)
    assert found.cases == {}
    assert found.strangers == ["one/lesion_truth.nii.gz"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NotADirectoryError, match=r"INPUT=.*nowhere: there is no such folder"):
        find_cases(tmp_path / "nowhere")


def test_handing_over_leaves_the_users_files_as_they_were(tmp_path):
    write(tmp_path / "one", "ct.nii.gz", "lesion_truth.nii.gz")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    found = find_cases(tmp_path / "one")
    hand_over("one", found.cases["one"], inbox)
    (inbox / "one" / "ct.nii.gz").unlink()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["ct.nii.gz", "lesion_truth.nii.gz"]
    assert (tmp_path / "one" / "ct.nii.gz").read_bytes() == b"x"
