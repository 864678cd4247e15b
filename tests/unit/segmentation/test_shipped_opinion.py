"""The second opinion that comes with the product."""

from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedModel
from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.bundle import open_bundle, open_opinion, write_manifest
from segwatch.volumes.image import Volume

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="needs the extra `segmentation`")

BUNDLE = Path(__file__).parents[3] / "deploy/models/covid20-opinion"


@pytest.fixture(scope="module")
def model():
    from segwatch.segmentation.opinion_model import OpinionModel

    return OpinionModel(open_opinion(BUNDLE))


def test_it_is_small_and_says_what_it_is_worth_on_patients_it_never_saw():
    assert sum(file.stat().st_size for file in BUNDLE.iterdir()) < 4_000_000
    left_out = open_opinion(BUNDLE).left_out
    assert left_out.patients == 13
    assert left_out.plain_worst <= left_out.plain
    assert len(left_out.changed) == 7


def test_it_finds_lesions_in_hounsfield_units_too_though_it_learnt_from_display_values(model):
    made = [make_phantom(seed) for seed in range(7000, 7002)]
    said = [model.opinion_of(Volume(each.ct, each.geometry), each.lung, each.lesion) for each in made]
    assert np.mean([each.dice for each in said]) > 0.7
    assert {each.model for each in said} == {model.identity}


def test_a_mask_in_the_wrong_place_is_doubted(model):
    made = make_phantom(7001)
    moved = np.flip(made.lesion, axis=2) & made.lung
    ct = Volume(made.ct, made.geometry)
    right, wrong = (model.opinion_of(ct, made.lung, mask) for mask in (made.lesion, moved))
    assert wrong.dice < right.dice - 0.2


def test_it_is_no_lesion_model_and_other_weights_are_refused(tmp_path):
    from segwatch.segmentation.opinion_model import OpinionModel

    with pytest.raises(RefusedModel, match=r"has no plans\.json"):
        open_bundle(BUNDLE)
    (tmp_path / "opinion.npz").write_bytes(b"no arrays")
    write_manifest(tmp_path, "odd", {})
    with pytest.raises(RefusedModel, match="does not hold the weights"):
        OpinionModel(open_opinion(tmp_path))
