"""The demo model can be made again: nnU-Net's own training, cut short."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.bundle import open_bundle
from segwatch.segmentation.demo_model import train_demo_model, training_phantom

pytest.importorskip("torch", reason="needs the extra `segmentation`")


def test_training_phantoms_are_reproducible_and_vary():
    first, again, other = training_phantom(1, 0), training_phantom(1, 0), training_phantom(1, 1)
    np.testing.assert_array_equal(first.ct, again.ct)
    assert first.scanner != other.scanner
    assert first.scanner.kernel == other.scanner.kernel


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # nnU-Net's training warns of its own libraries' age
def test_a_short_training_gives_a_bundle_that_predicts_and_leaves_nothing_else(tmp_path, monkeypatch):
    from segwatch.segmentation.lesion import LesionModel

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = {name for name in os.environ if name.startswith("nnUNet_")}
    told = []
    out = tmp_path / "out/model"
    digest = train_demo_model(
        out,
        seed=3,
        phantoms=6,
        threads=1,
        epochs=1,
        progress=lambda step, done, total: told.append((step, done, total)),
    )
    assert told[-1] == ("training", 1, 1)
    assert list(temporary.iterdir()) == []
    assert [path.name for path in out.parent.iterdir()] == ["model"]
    assert {name for name in os.environ if name.startswith("nnUNet_")} == before
    model = LesionModel(open_bundle(out, digest))
    phantom = make_phantom(1)
    assert model.predict(phantom.ct, (5.0, 2.7, 2.7)).mask.shape == phantom.ct.shape


def test_an_existing_folder_is_not_overwritten(tmp_path):
    path = Path(tmp_path)
    with pytest.raises(FileExistsError):
        train_demo_model(path, seed=1, phantoms=6, threads=1, progress=lambda *_: None)
