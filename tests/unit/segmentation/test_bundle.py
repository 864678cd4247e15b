"""A bundle is verified before anything in it is loaded."""

import json
import shutil
from pathlib import Path

import pytest

from segwatch.errors import BadInput, RefusedModel
from segwatch.segmentation.bundle import open_bundle, open_opinion, sha256_of, write_manifest
from segwatch.segmentation.bundling import bundle_of

DEMO = Path(__file__).parents[3] / "deploy/models/demo-lesion"


@pytest.fixture
def bundle(tmp_path):
    """A bundle of files that are no model: verification must come before loading."""
    folder = tmp_path / "bundle"
    (folder / "fold_0").mkdir(parents=True)
    for name in ("plans.json", "dataset.json", "fold_0/checkpoint_final.pth"):
        (folder / name).write_text(name)
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
