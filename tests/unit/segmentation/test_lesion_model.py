"""The real nnU-Net on the committed demo bundle."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedModel, Unprocessable
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.segmentation.bundle import open_bundle, write_manifest
from segwatch.segmentation.bundling import bundle_of
from segwatch.volumes.labels import LesionLabel

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="needs the extra `segmentation`")

DEMO = Path(__file__).parents[3] / "deploy/models/demo-lesion"
SPACING = (5.0, 2.7, 2.7)
PREDICT = "from nnunetv2.inference.predict_from_raw_data import predict_entry_point as go; go()"


@pytest.fixture(scope="module")
def lesion_model():
    """The class, imported late and once: nnU-Net takes seconds, and warns of its own libraries' age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from segwatch.segmentation.lesion import LesionModel
    return LesionModel


@pytest.fixture(scope="module")
def model(lesion_model):
    return lesion_model(open_bundle(DEMO))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def predicted_dice(model, scanner: str, seeds: range) -> float:
    phantoms = [make_phantom(seed, SCANNERS[scanner]) for seed in seeds]
    return float(np.mean([dice(model.predict(p.ct, SPACING).mask, p.lesion) for p in phantoms]))


def test_it_finds_the_lesions_of_phantoms_it_has_not_seen(model):
    assert predicted_dice(model, "standard", range(6)) > 0.7


def test_it_fails_on_the_new_scanner_of_the_story(model):
    assert predicted_dice(model, "sharp", range(6)) < 0.6


def test_it_says_how_sure_it_is(model):
    phantom = make_phantom(9)
    found = model.predict(phantom.ct, SPACING)
    assert found.mask.shape == phantom.ct.shape
    assert found.mask.dtype == np.bool_
    assert 0.5 < found.probabilities.mean_foreground <= 1
    assert 0 <= found.probabilities.entropy < 1
    assert found.probabilities.fold_agreement is None


def test_a_finer_scan_of_the_same_patient_gives_the_same_mask(model):
    coarse, fine = make_phantom(9), make_phantom(9, shape=(32, 192, 192))
    found = model.predict(fine.ct, fine.geometry.spacing_zyx_mm).mask
    assert found.shape == (32, 192, 192)
    assert dice(found, fine.lesion) > dice(model.predict(coarse.ct, SPACING).mask, coarse.lesion) - 0.15


def test_several_folds_agree_or_not(lesion_model, tmp_path):
    import torch

    twice = tmp_path / "twice"
    bundle_of(DEMO, twice, "twice")
    checkpoint = torch.load(twice / "fold_0/checkpoint_final.pth", weights_only=False)
    noise = torch.Generator().manual_seed(0)
    for name, weights in checkpoint["network_weights"].items():
        shift = torch.randn(weights.shape, generator=noise) * 0.1 * weights.float().std(correction=0)
        checkpoint["network_weights"][name] = weights + shift.to(weights.dtype)
    (twice / "fold_1").mkdir()
    torch.save(checkpoint, twice / "fold_1/checkpoint_final.pth")
    write_manifest(twice, "twice", {})
    phantom = make_phantom(9)
    found = lesion_model(open_bundle(twice)).predict(phantom.ct, SPACING)
    assert 0 < found.probabilities.fold_agreement < 1


def test_threads_stay_limited(model):
    import torch

    model.predict(make_phantom(9).ct, SPACING)
    assert torch.get_num_threads() == 1


def test_files_that_nnunet_cannot_load_are_refused(lesion_model, tmp_path):
    broken = tmp_path / "broken"
    bundle_of(DEMO, broken, "broken")
    plans = json.loads((broken / "plans.json").read_text())
    del plans["configurations"]
    (broken / "plans.json").write_text(json.dumps(plans))
    write_manifest(broken, "broken", {})
    with pytest.raises(RefusedModel, match="cannot load"):
        lesion_model(open_bundle(broken))


@pytest.mark.parametrize(("slices", "spacing"), [(1, 2.0), (2, 1.25)])
def test_a_ct_that_is_nothing_at_the_models_spacing_is_refused_by_name(model, slices, spacing):
    ct = np.full((slices, 64, 64), -700, np.int16)
    with pytest.raises(Unprocessable, match="thinner than half a voxel") as refusal:
        model.predict(ct, (spacing, 2.7, 2.7))
    assert refusal.value.kind == "too_thin"


def test_a_single_thick_slice_is_segmented(model):
    phantom = make_phantom(9)
    assert model.predict(phantom.ct[16:17], SPACING).mask.shape == (1, *phantom.ct.shape[1:])


def test_only_the_label_that_was_named_is_lesion(lesion_model, tmp_path):
    import torch

    trained, made = tmp_path / "trained", tmp_path / "made"
    shutil.copytree(DEMO, trained)
    checkpoint = torch.load(trained / "fold_0/checkpoint_final.pth", weights_only=False, map_location="cpu")
    for name, value in checkpoint["network_weights"].items():
        if "seg_layers" in name:  # background, a lung that takes most of its place, lesion
            background = [value[:1] - 1.0, value[:1]] if name.endswith("bias") else [value[:1], value[:1]]
            checkpoint["network_weights"][name] = torch.cat([*background, value[1:2]])
    torch.save(checkpoint, trained / "fold_0/checkpoint_final.pth")
    dataset = json.loads((trained / "dataset.json").read_text())
    dataset["labels"] = {"background": 0, "lung": 1, "lesion": 2}
    (trained / "dataset.json").write_text(json.dumps(dataset))
    bundle_of(trained, made, "three", label=LesionLabel("lesion"))
    phantom = make_phantom(9)
    found = lesion_model(open_bundle(made), mirroring=False).predict(phantom.ct, SPACING)
    assert dice(found.mask, phantom.lesion) > 0.6
    assert found.probabilities.mean_foreground > 0.5
