"""lungmask's network on weights that the tests make: the real architecture, untrained."""

import warnings

import numpy as np
import pytest

from segwatch.errors import RefusedModel
from segwatch.segmentation.bundle import sha256_of

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="needs the extra `segmentation`")


@pytest.fixture(scope="module")
def lung_model():
    """The class, imported late and once: lungmask warns of its own libraries' age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from segwatch.segmentation.lung_model import LungModel
    return LungModel


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network that calls everything lung: its last layer looks at nothing but its bias."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from lungmask.resunet import UNet

    network = UNet(n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True, residual=False)
    state = network.state_dict()
    state["last.weight"].zero_()
    state["last.bias"].copy_(torch.tensor([0.0, 1.0, 0.0]))
    path = tmp_path_factory.mktemp("weights") / "r231.pth"
    torch.save(state, path)
    return path


def test_pinned_weights_are_loaded_and_asked(lung_model, weights):
    model = lung_model(weights, sha256_of(weights))
    trunk = np.hypot(*np.mgrid[-32:32, -32:32]) < 25
    ct = np.where(trunk, -800, -1000).astype(np.int16)[None].repeat(3, 0)
    mask = model.segment(ct)
    assert mask.shape == ct.shape
    assert mask.dtype == np.bool_
    assert mask[1, 32, 32]


def test_weights_with_another_hash_are_not_loaded(lung_model, weights):
    with pytest.raises(RefusedModel, match="LUNG_WEIGHTS_SHA256"):
        lung_model(weights, "0" * 64)


def test_a_missing_file_is_named(lung_model, tmp_path):
    with pytest.raises(RefusedModel, match="cannot be read"):
        lung_model(tmp_path / "none.pth", "0" * 64)


def test_a_file_that_is_not_r231_is_refused(lung_model, tmp_path):
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"no weights")
    with pytest.raises(RefusedModel, match="lungmask cannot load"):
        lung_model(wrong, sha256_of(wrong))
