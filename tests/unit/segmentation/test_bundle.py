"""A bundle is verified before anything in it is loaded."""

import json
import shutil
from pathlib import Path

import pytest

from segwatch.errors import BadInput, RefusedModel
from segwatch.segmentation.bundle import open_bundle, open_opinion, sha256_of, write_manifest
from segwatch.segmentation.bundling import bundle_of
from segwatch.volumes.labels import LesionLabel

DEMO = Path(__file__).parents[3] / "deploy/models/demo-lesion"


def write(folder, reader="SimpleITKIO", labels=None):
    """nnU-Net's two files, as far as they are read before the network is loaded."""
    (folder / "plans.json").write_text(json.dumps({"image_reader_writer": reader}))
    (folder / "dataset.json").write_text(json.dumps({"labels": labels or {"background": 0, "lesion": 1}}))


@pytest.fixture
def bundle(tmp_path):
    """A bundle of files that are no model: verification must come before loading."""
    folder = tmp_path / "bundle"
    (folder / "fold_0").mkdir(parents=True)
    write(folder, labels={"background": 0, "lesion": 1})
    (folder / "fold_0/checkpoint_final.pth").write_text("no pickle")
    write_manifest(folder, "test", {"nnunetv2": "2.8.1"})
    return folder


def test_the_digest_of_a_bundle_is_that_of_its_manifest(bundle):
    opened = open_bundle(bundle)
    assert opened.identity.name == "test"
    assert opened.identity.sha256 == sha256_of(bundle / "manifest.json")
    assert opened.folds == ("0",)


def test_a_pin_that_is_met_opens_and_another_does_not(bundle):
    digest = open_bundle(bundle).identity.sha256
    assert open_bundle(bundle, digest).identity.sha256 == digest
    with pytest.raises(RefusedModel, match="LESION_MODEL_SHA256"):
        open_bundle(bundle, "0" * 64)


def test_several_folds_are_found(bundle):
    (bundle / "fold_3").mkdir()
    (bundle / "fold_3/checkpoint_final.pth").write_text("another")
    write_manifest(bundle, "test", {})
    assert open_bundle(bundle).folds == ("0", "3")


def test_a_changed_file_is_refused_by_name(bundle):
    (bundle / "fold_0/checkpoint_final.pth").write_text("something that would run on loading")
    with pytest.raises(RefusedModel, match=r"checkpoint_final\.pth was changed"):
        open_bundle(bundle)


def test_a_missing_file_is_refused_by_name(bundle):
    (bundle / "plans.json").unlink()
    with pytest.raises(RefusedModel, match=r"lacks plans\.json"):
        open_bundle(bundle)


def test_a_file_that_the_manifest_does_not_name_is_refused(bundle):
    (bundle / "fold_1").mkdir()
    (bundle / "fold_1/checkpoint_final.pth").write_text("slipped in")
    with pytest.raises(RefusedModel, match=r"holds fold_1/checkpoint_final\.pth"):
        open_bundle(bundle)


def test_a_bundle_without_a_checkpoint_is_refused(bundle):
    shutil.rmtree(bundle / "fold_0")
    write_manifest(bundle, "test", {})
    with pytest.raises(RefusedModel, match=r"has no fold_\*/checkpoint_final\.pth"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (None, "cannot be read"),
        ("not json", "no bundle's manifest"),
        ('{"format": 1}', "no bundle's manifest"),
        (json.dumps({"format": 2, "name": "x", "made_with": {}, "files": {}}), "has format 2"),
    ],
)
def test_a_manifest_that_is_missing_or_wrong_is_refused(bundle, manifest, said):
    (bundle / "manifest.json").unlink()
    if manifest is not None:
        (bundle / "manifest.json").write_text(manifest)
    with pytest.raises(RefusedModel, match=said):
        open_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../stranger.pth", "/etc/passwd", "fold_0/../../stranger.pth", "..\\stranger.pth"]
)
def test_a_manifest_that_names_a_file_outside_the_bundle_is_refused(bundle, name):
    stranger = bundle.parent / "stranger.pth"
    stranger.write_text("something that would run on loading")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = sha256_of(stranger)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RefusedModel, match="lacks"):
        open_bundle(bundle)


def test_a_link_to_a_file_with_other_bytes_is_a_changed_file(bundle):
    """Links are followed (Kubernetes mounts by links): what counts is the hash of what lies behind."""
    stranger = bundle.parent / "stranger.pth"
    stranger.write_text("something that would run on loading")
    checkpoint = bundle / "fold_0/checkpoint_final.pth"
    checkpoint.unlink()
    checkpoint.symlink_to(stranger)
    with pytest.raises(RefusedModel, match=r"checkpoint_final\.pth was changed"):
        open_bundle(bundle)


def test_a_bundle_mounted_by_kubernetes_opens(bundle, tmp_path):
    """A ConfigMap's or CSI's volume holds links into a hidden folder named `..data`."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    shutil.copytree(bundle, mounted / "..2026_03_04")
    (mounted / "..data").symlink_to("..2026_03_04")
    for name in ("plans.json", "dataset.json", "manifest.json", "fold_0"):
        (mounted / name).symlink_to(f"..data/{name}")
    assert open_bundle(mounted).identity == open_bundle(bundle).identity


def test_the_demo_bundle_is_whole_and_small():
    opened = open_bundle(DEMO)
    assert opened.identity.name == "demo-lesion"
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 1_000_000


def test_a_bundle_is_made_of_what_nnunet_leaves(bundle, tmp_path):
    (bundle / "fold_0/progress.png").write_text("not needed")
    digest = bundle_of(bundle, tmp_path / "made", "hospital-model")
    opened = open_bundle(tmp_path / "made", digest)
    assert opened.identity.name == "hospital-model"
    assert not (tmp_path / "made/fold_0/progress.png").exists()


def test_a_folder_that_nnunet_did_not_leave_makes_no_bundle(bundle, tmp_path):
    (bundle / "dataset.json").unlink()
    with pytest.raises(BadInput, match=r"has no dataset\.json"):
        bundle_of(bundle, tmp_path / "made", "x")
    with pytest.raises(BadInput, match="exists already"):
        bundle_of(DEMO, bundle, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle"]


COVID = {"background": 0, "left lung": 1, "right lung": 2, "infection": 3, "ignore": 4}


@pytest.mark.parametrize(
    ("labels", "said", "numbers"),
    [
        ({"background": 0, "lesion": 1}, "", {1}),
        ({"background": 0, "lesion": 1}, "Lesion", {1}),
        (COVID, "infection", {3}),
        (COVID, "3", {3}),
        (COVID, "1, 3", {1, 3}),
        (COVID, "any", {1, 2, 3}),
        ({"background": 0, "all": [1, 2], "dense": [2]}, "all", {1, 2}),
    ],
)
def test_which_label_is_lesion_is_kept_in_the_bundle(bundle, tmp_path, labels, said, numbers):
    write(bundle, labels=labels)
    bundle_of(bundle, tmp_path / "made", "x", label=LesionLabel(said))
    assert open_bundle(tmp_path / "made").lesion_labels == numbers


@pytest.mark.parametrize(
    ("labels", "said", "words"),
    [
        (COVID, "", r"left lung \(1\), right lung \(2\), infection \(3\): say which"),
        (COVID, "lesion", "no 'lesion'"),
        (COVID, "7", "no '7'"),
        ({"background": 0}, "", "names no label"),
    ],
)
def test_a_model_whose_lesions_nobody_named_makes_no_bundle(bundle, tmp_path, labels, said, words):
    write(bundle, labels=labels)
    with pytest.raises(RefusedModel, match=words):
        bundle_of(bundle, tmp_path / "made", "x", label=LesionLabel(said))
    assert not (tmp_path / "made").exists()


def test_a_bundle_made_before_labels_were_asked_for_is_refused_where_it_has_several(bundle):
    write(bundle, labels=COVID)
    write_manifest(bundle, "test", {})
    with pytest.raises(RefusedModel, match="say which is lesion"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("reader", "asked", "axes"),
    [
        ("SimpleITKIO", "", "LPS"),
        ("NibabelIO", "", "LPS"),
        ("NibabelIO", "LAS", "LAS"),
        ("NibabelIOWithReorient", "", "RAS"),
        ("SimpleITKIOWithReorient", "RAS", "RAS"),
    ],
)
def test_the_axes_are_those_of_the_reader(bundle, tmp_path, reader, asked, axes):
    write(bundle, reader)
    bundle_of(bundle, tmp_path / "made", "x", axes=asked)
    assert open_bundle(tmp_path / "made").axes == axes


@pytest.mark.parametrize(
    ("reader", "asked", "words"),
    [
        ("Tiff3DIO", "", "Tiff3DIO"),
        ("TheirOwnReader", "", "TheirOwnReader"),
        ("SimpleITKIO", "SPL", "L or R"),
        ("SimpleITKIO", "LP", "L or R"),
        ("NibabelIOWithReorient", "LPS", "turns every file to RAS"),
    ],
)
def test_axes_that_are_not_known_make_no_bundle(bundle, tmp_path, reader, asked, words):
    write(bundle, reader)
    with pytest.raises(RefusedModel, match=words):
        bundle_of(bundle, tmp_path / "made", "x", axes=asked)


def test_a_network_that_needs_more_than_a_ct_makes_no_bundle(bundle, tmp_path):
    cascade = tmp_path / "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres"
    shutil.copytree(bundle, cascade)
    before = {"configurations": {"3d_cascade_fullres": {"previous_stage": "3d_lowres"}}}
    plans = json.loads((cascade / "plans.json").read_text())
    (cascade / "plans.json").write_text(json.dumps(plans | before))
    with pytest.raises(RefusedModel, match="needs the masks of 3d_lowres"):
        bundle_of(cascade, tmp_path / "made", "x")
    dataset = json.loads((bundle / "dataset.json").read_text())
    (bundle / "dataset.json").write_text(json.dumps(dataset | {"channel_names": {"0": "CT", "1": "PET"}}))
    with pytest.raises(RefusedModel, match=r"2 channels \(CT, PET\)"):
        bundle_of(bundle, tmp_path / "made", "x")
    assert not (tmp_path / "made").exists()


def test_several_checkpoints_are_folds_unless_they_are_said_to_be_seeds(bundle):
    (bundle / "fold_1").mkdir()
    (bundle / "fold_1/checkpoint_final.pth").write_text("another")
    write_manifest(bundle, "test", {})
    assert open_bundle(bundle).ensemble == "folds"
    write_manifest(bundle, "test", {}, ensemble="seeds", temperature=2.5)
    opened = open_bundle(bundle)
    assert (opened.ensemble, opened.temperature) == ("seeds", 2.5)


def test_one_checkpoint_is_no_ensemble_and_has_its_own_probabilities(bundle):
    opened = open_bundle(bundle)
    assert (opened.ensemble, opened.temperature) == (None, 1.0)
    with pytest.raises(BadInput, match="--ensemble seeds"):
        bundle_of(bundle, bundle.parent / "out", "name", ensemble="seeds")


def test_what_a_manifest_does_not_say_it_does_not_name(bundle):
    assert set(json.loads((bundle / "manifest.json").read_text())) == {
        "about",
        "files",
        "format",
        "made_with",
        "name",
    }


def test_an_nnunet_can_be_the_second_opinion_and_a_pin_is_kept_to(bundle):
    assert open_opinion(bundle).folds == ("0",)
    with pytest.raises(RefusedModel, match="OPINION_MODEL_SHA256"):
        open_opinion(bundle, "0" * 64)
    with pytest.raises(RefusedModel, match=r"OPINION_MODEL: .*cannot be read"):
        open_opinion(bundle / "nowhere")
