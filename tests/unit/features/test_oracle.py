"""Every entry of the oracle: the paper's definitions exactly, the authors' code within its sampling noise."""

import json
import math

import numpy as np
import pytest

from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.measuring import measure
from segwatch.features.registry import PAPER4

CASES = [
    *("empty", "single_voxel", "single_axial_slice", "box_identical_slices", "ball_gt1000", "two_big"),
    *("noise_p02", "noise_in_lung_p10", "exactly_1000", "staircase_overlap1", "whole_volume"),
    *("pair_001", "pair_002", "pair_003", "pair_004", "pair_011", "pair_012", "pair_102", "pair_111"),
    *("pair_112", "pair_122", "pair_222", "repo_mask_00_label1"),
]
RULES = {"26": "26", "l1": "L1<=3"}
DRAWN = 5000
"""Voxels that the authors' code draws."""


@pytest.fixture(params=CASES)
def entry(request, oracle_folder):
    expected = json.loads((oracle_folder / "expected.json").read_text())[request.param]
    with np.load(oracle_folder / f"{request.param}.npz") as arrays:
        return expected, arrays["img"], arrays["mask"], arrays["lung"]


def test_the_list_of_cases_is_the_oracles(oracle_folder):
    assert sorted(json.loads((oracle_folder / "expected.json").read_text())) == sorted(CASES)


@pytest.mark.parametrize("rule", RULES)
def test_the_definitions_agree(entry, rule):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (5.0, 0.7, 0.7), components=rule)
    wanted = expected["definition"][RULES[rule]]
    values = dict(zip(PAPER4, (found.features[name] for name in PAPER4), strict=True))
    assert values["connected_components"] == wanted["n_components"]
    assert_same(values["intensity_mode"], wanted["intensity"], 1e-6)
    assert_same(values["segmentation_smoothness"], wanted["smoothness"], 1e-9)
    assert_same(values["lesions_within_lungs"], wanted["in_lung"], 1e-9)
    assert set(found.undefined) == {name for name, value in values.items() if value is None}


def test_the_status_agrees(entry):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (5.0, 0.7, 0.7))
    wanted = expected["definition"]["26"]["status"]
    reasons = {reason.partition(":")[0] for reason in found.undefined.values()}
    assert found.status == {"ok": "measured", "empty": "empty", "no_slice_pair": "partly_undefined"}[wanted]
    assert reasons == {"ok": set(), "empty": {"empty_mask"}, "no_slice_pair": {"no_slice_pair"}}[wanted]


def test_the_smoothness_along_x_agrees(entry):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (1, 1, 1), axis="x")
    assert_same(found.features["segmentation_smoothness"], expected["smoothness_axis_x"], 1e-9)


def test_the_smoothness_of_large_components_agrees(entry):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (1, 1, 1), min_voxels=1000)
    wanted = expected["smoothness_components_over_1000_voxels"]
    assert_same(found.features["segmentation_smoothness"], wanted, 1e-9)


@pytest.mark.parametrize(("axis", "plane"), [("x", "sagittal"), ("z", "axial")])
def test_the_authors_code_is_reproduced_where_it_is_defined(entry, axis, plane):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (1, 1, 1), profile="authors-code", axis=axis)
    theirs = expected["reference_code"][plane]
    assert found.features["connected_components"] == theirs["connected_components"]
    if found.status == "empty":  # their 1.0 for an empty mask is nobody's measure
        assert found.features["segmentation_smoothness"] is None
        return
    # Their numbers are float32.
    assert_same(found.features["segmentation_smoothness"], theirs["dice_scores"], 1e-7)
    assert_same(found.features["lesions_within_lungs"], theirs["seg_in_lung"], 1e-7)


def test_the_authors_intensity_lies_around_ours_within_its_sampling_noise(entry):
    expected, ct, mask, lung = entry
    found = measure(ct, mask, lung, (1, 1, 1), profile="authors-code")
    if found.status == "empty":
        assert expected["reference_code"]["intensity_over_8_seeds"] == []
        return
    drawn = expected["reference_code"]["intensity_over_8_seeds"]
    error = largest_component_deviation(ct, mask) / math.sqrt(DRAWN) / math.sqrt(8)
    assert abs(found.features["intensity_mode"] - drawn["mean"]) <= 4 * error + 1e-4


def test_the_profile_takes_the_sagittal_axis_by_itself(oracle_folder):
    with np.load(oracle_folder / "ball_gt1000.npz") as arrays:
        case = arrays["img"], arrays["mask"], arrays["lung"], (1, 1, 1)
    given = measure(*case, profile="authors-code", axis="x", min_voxels=1000)
    assert measure(*case, profile="authors-code").features == given.features


def largest_component_deviation(ct, mask):
    from segwatch.features.kernels.components import connect

    runs = BinaryMask(mask).runs
    components = connect(runs)
    values = [
        ct[row // mask.shape[1], row % mask.shape[1], runs.first[run] : int(runs.last[run]) + 1]
        for row in range(len(runs.row_start) - 1)
        for run in range(runs.row_start[row], runs.row_start[row + 1])
        if components.of_run[run] == components.largest
    ]
    return float(np.concatenate(values).std(dtype=np.float64))


def assert_same(value, wanted, tolerance):
    assert (value is None) == math.isnan(wanted)
    if value is not None:
        assert value == pytest.approx(wanted, abs=tolerance, rel=0)
