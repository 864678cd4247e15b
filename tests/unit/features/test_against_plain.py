"""The four features against a plain scikit-image implementation, on masks that hypothesis makes."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.features_plain import plain_four, plain_labels
from segwatch.features.figure import labelled_slice
from segwatch.features.kernels.components import connect
from segwatch.features.kernels.runs import encode_runs
from segwatch.features.measuring import measure

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 19))


@st.composite
def masks(draw):
    shape = draw(SHAPES)
    share = draw(st.sampled_from([0.02, 0.1, 0.3, 0.6, 0.95]))
    return np.random.default_rng(draw(st.integers(0, 2**32))).random(shape) < share


def two_empty_slices_within():
    """One component under `l1`, whose slices are as far apart as can be."""
    lesion = np.zeros((5, 1, 4), np.bool_)
    lesion[[0, 3, 4], 0, 1] = lesion[4, 0, 2] = True
    return lesion


@settings(deadline=None, max_examples=300)
@given(masks(), st.sampled_from(["26", "l1"]), st.integers(0, 2**32))
@example(two_empty_slices_within(), "l1", 0)
def test_the_four_features_equal_the_plain_ones(lesion, rule, seed):
    rng = np.random.default_rng(seed)
    ct = rng.integers(-1000, 300, lesion.shape).astype(np.int16)
    ct.flat[0] = -1000
    lung = rng.random(lesion.shape) < 0.5
    lung.flat[-1] = True
    found = measure(ct, lesion, lung, (1, 1, 1), components=rule, ct_unit="hu").features
    for name, wanted in plain_four(ct, lesion, lung, rule).items():
        value = math.nan if found[name] is None else found[name]
        assert value == pytest.approx(wanted, abs=1e-9, nan_ok=True), name


@settings(deadline=None, max_examples=300)
@given(masks(), st.sampled_from(["26", "l1"]))
def test_every_voxel_has_the_component_that_the_plain_labels_give_it(lesion, rule):
    runs = encode_runs(lesion.view(np.uint8))
    components = connect(runs, rule)
    ours = np.stack([labelled_slice(runs, components.of_run, z) for z in range(lesion.shape[0])])
    assert np.array_equal(ours, in_raster_order(plain_labels(lesion, rule)))
    assert np.array_equal(components.voxels, np.bincount(ours.ravel())[1:])


@settings(deadline=None, max_examples=100)
@given(arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 9))))
def test_city_block_components_are_those_of_all_pairs_within_three(lesion):
    """The rule itself, by brute force: voxels within city-block distance 3 are of one component."""
    places = np.argwhere(lesion)
    near = np.abs(places[:, None] - places[None]).sum(axis=2) <= 3
    reached = np.linalg.matrix_power(near.astype(np.float64), max(1, len(places))) > 0
    assert connect(encode_runs(lesion.view(np.uint8)), "l1").count == len(np.unique(reached, axis=0))


def in_raster_order(labels):
    order = list(dict.fromkeys(labels[labels > 0].tolist()))
    renamed = np.zeros(labels.max() + 1, np.int64)
    renamed[order] = np.arange(1, len(order) + 1)
    return renamed[labels]
