"""The second opinion from scans to a bundle: networks of a few steps, on scans of 48 × 48."""

import csv

import numpy as np
import pytest

pytest.importorskip("torch", reason="the networks need the segmentation extra")

from research.covid20_cohort.changes import CHANGES
from research.second_opinion.command import BUNDLE, LEFT_OUT, make_opinion, making_of
from research.second_opinion.folds import (
    ALL_PATIENTS,
    LEARNT,
    OpinionRecipe,
    case_views,
    left_out_dice,
    network,
)
from research.second_opinion.probabilities import masks_with_probabilities, worths
from research.second_opinion.rows import _replaced, opinion_names, said_of
from research.second_opinion.views import PLAIN
from segwatch.segmentation.bundle import open_opinion
from segwatch.segmentation.opinion_model import OpinionModel
from segwatch.segmentation.opinion_network import network_of, weights_of
from segwatch.volumes.image import Volume
from segwatch.volumes.read import read_ct, read_mask

pytestmark = pytest.mark.torch
FEW = OpinionRecipe(folds=2, stages=(1, 2), phantoms=2)


@pytest.fixture(scope="module")
def out(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("opinion")
    make_opinion(source, folder, FEW)
    return folder


@pytest.fixture(scope="module")
def making(source, out):
    return making_of(source, out, FEW)


def test_every_kind_of_change_is_learnt_from_in_one_half_of_the_folds():
    assert sorted(kind for half in LEARNT for kind in half) == sorted(CHANGES)


def test_every_patient_is_judged_plain_and_under_each_kind(out, making):
    with (out / LEFT_OUT).open() as file:
        rows = list(csv.DictReader(file))
    assert {row["case"] for row in rows} == {case.name for case in making.cases}
    for row in rows:
        half = LEARNT[making.fold[row["patient"]] % 2]
        assert row["learnt"] == str(int(row["kind"] == PLAIN or row["kind"] in half))


def test_the_bundle_says_its_dice_on_patients_left_out_and_gives_opinions(source, out):
    bundle = open_opinion(out / BUNDLE)
    assert bundle.left_out.patients == 5
    assert set(bundle.left_out.changed) <= set(CHANGES)
    case = source / "cases" / "a-1"
    ct = read_ct(case / "ct.nii.gz")
    lung, lesion = (
        read_mask(case / f"{name}.nii.gz", ct.geometry).array for name in ("lung", "lesion_truth")
    )
    model = OpinionModel(bundle)
    found = model.opinion_of(Volume(ct.array.astype(np.float32), ct.geometry), lung, lesion)
    assert found.model == bundle.identity
    assert found.dice is not None
    assert model.opinion_of(ct, None, lesion) is None
    assert model.opinion_of(ct, np.zeros_like(lung), lesion) is None


def test_a_second_run_trains_nothing_and_a_bundle_is_not_overwritten(source, out, monkeypatch):
    import research.second_opinion.folds as folds
    from segwatch.errors import BadInput

    monkeypatch.setattr(folds, "trained", None)
    with pytest.raises(BadInput, match="exists already"):
        make_opinion(source, out, FEW)


def test_half_precision_changes_a_network_by_less_than_it_matters(making):
    asked = network(making, ALL_PATIENTS, 2)
    again = network_of(weights_of(asked))
    for name, value in again.state_dict().items():
        np.testing.assert_allclose(value.numpy(), asked.state_dict()[name].numpy(), rtol=1e-2, atol=1e-3)


def test_the_opinions_of_a_mask_go_from_worse_to_better(making):
    names = opinion_names()
    assert names[2:5] == ("25% misplaced", "the network", "25% truth")
    labelled = case_views(making, making.cases[0])[PLAIN]
    height, width = labelled.truth.shape[1:]
    seen = {
        "rank": labelled.view.rank,
        "distance": labelled.view.distance,
        "lung": labelled.view.lung,
        "mask": labelled.truth,
        "truth": labelled.truth,
        "box": np.array([0, height, 0, width]),
    }

    class One:
        patient = making.cases[0].patient
        seed = 0

    said = said_of(making, One, seen)
    dice = [said[name][0] for name in names[3:]]
    assert dice == sorted(dice)
    assert said_of(making, One, {}) == dict.fromkeys(names)


def test_an_opinion_is_replaced_in_whole_boxes():
    truth, boxes = np.zeros((7, 20, 20), np.bool_), np.zeros((2, 3, 3), np.bool_)
    truth[2:5, 3:15, 3:15] = True
    np.testing.assert_array_equal(_replaced(~truth, truth, ~boxes), truth)
    np.testing.assert_array_equal(_replaced(~truth, truth, boxes), ~truth)
    boxes[0, 0, 0] = True
    found = _replaced(~truth, truth, boxes)
    np.testing.assert_array_equal(found[:5, :8, :8], truth[:5, :8, :8])
    np.testing.assert_array_equal(found[5:], ~truth[5:])


def test_left_out_figures_are_means_over_patients_of_kinds_not_learnt_from():
    rows = [
        {"case": "a-1", "patient": "a", "kind": PLAIN, "learnt": 1, "dice": 0.2},
        {"case": "a-2", "patient": "a", "kind": PLAIN, "learnt": 1, "dice": 0.4},
        {"case": "b", "patient": "b", "kind": PLAIN, "learnt": 1, "dice": 0.9},
        {"case": "a-1", "patient": "a", "kind": "blur", "learnt": 1, "dice": 0.1},
        {"case": "b", "patient": "b", "kind": "blur", "learnt": 0, "dice": 0.5},
    ]
    found = left_out_dice(rows)
    assert (found.patients, found.plain, found.plain_worst) == (2, 0.6, 0.3)
    assert found.changed == {"blur": 0.5}


def test_figures_of_probabilities_are_judged_on_masks_that_hold_something(making):
    rows = masks_with_probabilities(making)
    assert np.isfinite(rows.values).all()
    if len(set(rows.patients.tolist())) > 2:
        assert [each.gain is None for each in worths(rows)] == [True, True, False, False, False]
