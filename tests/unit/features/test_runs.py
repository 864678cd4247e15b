"""Runs of bytes and of bits say the same, and can be turned back into the mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.features.kernels.bits import encode_bits
from segwatch.features.kernels.components import connect
from segwatch.features.kernels.dilation import grow_runs
from segwatch.features.kernels.masks import BinaryMask, decode_runs
from segwatch.features.kernels.runs import Runs, encode_runs, stacked
from segwatch.features.kernels.sampling import any_filled, count_inside


@st.composite
def masks(draw):
    shape = draw(
        st.tuples(st.integers(1, 4), st.integers(1, 5), st.sampled_from([1, 8, 13, 64, 65, 127, 128, 192]))
    )
    share = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    return np.random.default_rng(draw(st.integers(0, 2**32))).random(shape) < share


def same(one: Runs, other: Runs) -> bool:
    return one.shape == other.shape and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("first", "last", "row_start")
    )


@settings(deadline=None)
@given(masks())
def test_runs_decode_to_the_mask(mask):
    runs = encode_runs(mask.view(np.uint8))
    assert np.array_equal(decode_runs(runs), mask)
    assert runs.voxels == mask.sum()


@settings(deadline=None)
@given(masks())
def test_runs_of_bits_are_those_of_bytes(mask):
    assert same(encode_bits(np.packbits(mask), mask.shape), encode_runs(mask.view(np.uint8)))


@settings(deadline=None)
@given(masks())
def test_slices_stack_to_the_whole(mask):
    slices = [encode_runs(axial[None].view(np.uint8)) for axial in mask]
    assert same(stacked(slices), encode_runs(mask.view(np.uint8)))


@settings(deadline=None)
@given(masks())
def test_grown_runs_are_those_of_the_grown_mask(mask):
    from scipy.ndimage import binary_dilation, generate_binary_structure

    grown = binary_dilation(mask, generate_binary_structure(3, 1))
    assert same(grow_runs(encode_runs(mask.view(np.uint8))), encode_runs(grown.view(np.uint8)))


def test_more_runs_than_there_was_room_for_are_kept():
    mask = np.zeros((4, 64, 512), np.uint8)
    mask[..., ::2] = 1
    assert encode_runs(mask).count == 4 * 64 * 256
    assert encode_bits(np.packbits(mask), mask.shape).count == 4 * 64 * 256


def test_any_byte_but_zero_is_filled():
    mask = np.array([[[0, 1, 128, 255, 2, 4, 8, 16, 0, 0, 64, 32]]], np.uint8)
    assert encode_runs(mask).first.tolist() == [1, 10]
    assert encode_runs(mask).last.tolist() == [7, 11]


@pytest.mark.parametrize("label", [1, 2, 127, 128, 255])
def test_a_run_of_any_label_over_many_lines_is_one_run(label):
    mask = np.full((1, 2, 256), label, np.uint8)
    mask[0, 1, :3] = mask[0, 1, 200] = 0
    assert encode_runs(mask).first.tolist() == [0, 3, 201]
    assert encode_runs(mask).last.tolist() == [255, 199, 255]


def test_a_row_of_as_many_voxels_as_can_be_kept_ends_where_it_does():
    mask = np.ones((1, 2, 65_536), np.uint8)
    mask[0, 1, 65_535] = 0
    for runs in (encode_runs(mask), encode_bits(np.packbits(mask), mask.shape)):
        assert (runs.first.tolist(), runs.last.tolist()) == ([0, 0], [65_535, 65_534])
    grown = grow_runs(encode_runs(mask))
    assert (grown.first.tolist(), grown.last.tolist()) == ([0, 0], [65_535, 65_535])


def test_a_component_of_two_to_the_31_voxels_is_counted():
    rows = 2**15
    full = Runs(
        np.zeros(rows, np.uint16), np.full(rows, 65_535, np.uint16), np.arange(rows + 1), (1, rows, 65_536)
    )
    assert connect(full).voxels.tolist() == [2**31]


def test_bits_that_do_not_fit_the_shape_are_refused():
    with pytest.raises(ValueError, match="do not hold"):
        encode_bits(np.zeros(3, np.uint8), (1, 1, 8))


def test_a_mask_is_made_from_one_thing_only():
    with pytest.raises(ValueError, match="from bytes, from runs or from bits"):
        BinaryMask()


@settings(deadline=None)
@given(masks(), st.integers(0, 2**32))
def test_voxels_inside_another_mask_are_counted_alike_in_every_form(lung, seed):
    lesion = np.random.default_rng(seed).random(lung.shape) < 0.5
    runs = encode_runs(lesion.view(np.uint8))
    forms = (
        BinaryMask(lung.view(np.uint8)),
        BinaryMask(runs=encode_runs(lung.view(np.uint8))),
        BinaryMask(bits=(np.packbits(lung), lung.shape)),
    )
    assert {count_inside(form, runs) for form in forms} == {int((lesion & lung).sum())}
    assert {any_filled(form) for form in forms} == {bool(lung.any())}
