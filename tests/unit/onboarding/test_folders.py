"""What is found in nnU-Net's folders, and what is refused there."""

import json
from pathlib import Path

import pytest

from segwatch.errors import BadInput
from segwatch.onboarding.nnunet_layout import read_folders
from tests.support.nnunet_folders import folders_in, paths_of, write_splits

NAMES = [f"case{number}" for number in range(4)]


def rewritten(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_each_case_has_the_mask_of_the_fold_that_has_not_seen_it(tmp_path):
    made = folders_in(tmp_path, NAMES)

    found = read_folders(made.raw, made.results, None, None)

    assert {case.name: case.fold for case in found.cases} == {
        "case0": "0", "case1": "1", "case2": "0", "case3": "1"
    }  # fmt: skip
    assert found.trained_on == {"0": {"case1", "case3"}, "1": {"case0", "case2"}}
    assert found.without_mask == ()


def test_a_case_that_no_fold_validated_is_named(tmp_path):
    made = folders_in(tmp_path, NAMES)
    paths_of(made, "case3", 1)[2].unlink()

    assert read_folders(made.raw, made.results, None, None).without_mask == ("case3",)


def test_splits_are_found_where_nnunet_puts_them_and_name_masks_that_are_missing(tmp_path):
    made = folders_in(tmp_path, NAMES)
    write_splits(made, NAMES)
    mask = paths_of(made, "case3", 1)[2]
    mask.unlink()

    with pytest.raises(BadInput, match=f"case3 has no predicted mask: there is no {mask}"):
        read_folders(made.raw, made.results, None, None)


def test_a_checkpoint_makes_the_masks_that_the_splits_name(tmp_path):
    made = folders_in(tmp_path, NAMES)
    write_splits(made, NAMES)
    paths_of(made, "case3", 1)[2].unlink()
    (made.results / "fold_1" / "checkpoint_final.pth").touch()

    found = read_folders(made.raw, made.results, None, None)

    assert found.checkpoints == ("1",)
    assert [case.name for case in found.cases if case.predicted is None] == ["case3"]


def test_a_checkpoint_alone_without_splits_is_refused(tmp_path):
    made = folders_in(tmp_path, NAMES)
    for name in ("case1", "case3"):
        paths_of(made, name, 1)[2].unlink()
    (made.results / "fold_1" / "checkpoint_final.pth").touch()

    with pytest.raises(BadInput, match="name it with --splits"):
        read_folders(made.raw, made.results, None, None)


def test_a_mask_of_a_case_that_the_fold_was_trained_on_is_refused(tmp_path):
    made = folders_in(tmp_path, NAMES)
    write_splits(made, NAMES[::-1])  # dealt the other way round

    with pytest.raises(BadInput, match=r"fold_0/validation/case0.*trained on"):
        read_folders(made.raw, made.results, None, None)


@pytest.mark.parametrize(("number", "what"), [(0, "image"), (1, "truth")])
def test_a_missing_file_of_a_case_is_named(tmp_path, number, what):
    made = folders_in(tmp_path, NAMES)
    path = paths_of(made, "case2", 0)[number]
    path.unlink()

    with pytest.raises(BadInput, match=f"case2.*{what}|mask of a case that the raw data do not have"):
        read_folders(made.raw, made.results, None, None)


def test_results_of_another_dataset_are_refused(tmp_path):
    made = folders_in(tmp_path, NAMES)
    rewritten(made.results / "dataset.json", labels={"background": 0, "tumour": 1})

    with pytest.raises(BadInput, match="differ in labels"):
        read_folders(made.raw, made.results, None, None)


def test_fold_all_has_seen_every_case(tmp_path):
    made = folders_in(tmp_path, NAMES, folds=1)
    (made.results / "fold_0").rename(made.results / "fold_all")

    with pytest.raises(BadInput, match="fold_all has seen every case"):
        read_folders(made.raw, made.results, None, None)


def test_masks_in_a_folder_stand_in_for_results(tmp_path):
    made = folders_in(tmp_path, NAMES, folds=1)

    found = read_folders(made.raw, None, made.results / "fold_0" / "validation", None)

    assert [case.title for case in found.cases] == NAMES
    assert found.checkpoints == ()


def test_images_may_lie_where_the_dataset_lists_them(tmp_path):
    made = folders_in(tmp_path, NAMES)
    (made.raw / "imagesTr").rename(made.raw / "elsewhere")
    listed = {
        name: {"images": [f"elsewhere/{name}_0000.nii.gz"], "label": f"labelsTr/{name}.nii.gz"}
        for name in NAMES
    }
    rewritten(made.raw / "dataset.json", dataset=listed)

    found = read_folders(made.raw, made.results, None, None)

    assert found.cases[0].ct == made.raw / "elsewhere/case0_0000.nii.gz"


@pytest.mark.parametrize(
    ("labels", "asked", "values"),
    [
        ({"background": 0, "lesion": 1}, (), (1,)),
        ({"background": 0, "lung": 1, "ground glass": 2, "consolidation": 3}, ("ground glass", "3"), (2, 3)),
        ({"background": 0, "lesion": [1, 2], "core": 2}, ("lesion",), (1, 2)),
        ({"0": "background", "1": "infection"}, (), (1,)),
    ],
)
def test_the_lesions_label_is_the_only_one_or_said(tmp_path, labels, asked, values):
    made = folders_in(tmp_path, NAMES, labels=labels)

    assert read_folders(made.raw, made.results, None, None).about.lesion_values(asked) == values


def test_several_labels_without_a_word_are_refused(tmp_path):
    made = folders_in(tmp_path, NAMES, labels={"background": 0, "lung": 1, "lesion": 2})
    about = read_folders(made.raw, made.results, None, None).about

    with pytest.raises(BadInput, match="lung, lesion: say with --lesion-label"):
        about.lesion_values(())
    with pytest.raises(BadInput, match="--lesion-label tumour"):
        about.lesion_values(("tumour",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel_names": {"0": "CT", "1": "PET"}}, "2 channels"),
        ({"file_ending": ".png"}, "end in .png"),
        ({"labels": {"background": 0, "lesion": 1, "ignore": 2}}, "ignore"),
        ({"labels": {"background": 0}}, "no label beside"),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path, changes, message):
    made = folders_in(tmp_path, NAMES)
    rewritten(made.raw / "dataset.json", **changes)

    with pytest.raises(BadInput, match=message):
        read_folders(made.raw, made.results, None, None)
