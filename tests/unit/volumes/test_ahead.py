"""A CT that is inflated ahead is the same CT, and its thread ends with whoever reads it."""

import threading
import time

import numpy as np
import pytest

from segwatch.errors import RefusedVolume
from segwatch.volumes import ahead
from segwatch.volumes.ahead import read_ahead
from segwatch.volumes.nifti import write_nifti
from tests.support.images import little_ct


@pytest.fixture
def path(tmp_path):
    ct = little_ct()
    write_nifti(tmp_path / "ct.nii.gz", ct.array, ct.geometry)
    return tmp_path / "ct.nii.gz"


def test_every_slice_comes_once_and_as_it_lies_in_the_volume(path):
    ct = little_ct()
    with read_ahead(path) as slices:
        found = dict(slices)
    assert slices.geometry.shape_zyx == ct.array.shape
    assert sorted(found) == [0, 1, 2]
    assert np.array_equal(np.stack([found[z] for z in sorted(found)]), ct.array)


def test_a_small_buffer_gives_the_same(path, monkeypatch):
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 1)
    with read_ahead(path) as slices:
        assert len(list(slices)) == 3


def test_a_slice_and_the_one_before_it_stay_as_they_are_however_far_ahead_the_thread_is(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 1)
    array = np.arange(30 * 16, dtype=np.int16).reshape(30, 4, 4)
    geometry = little_ct().geometry.model_copy(update={"shape_zyx": array.shape})
    write_nifti(tmp_path / "tall.nii.gz", array, geometry)
    with read_ahead(tmp_path / "tall.nii.gz") as slices:
        before = 0, array[0]
        for z, values in slices:
            time.sleep(0.002)  # until the thread has filled all that it may
            assert np.array_equal(values, array[z])
            assert np.array_equal(before[1], array[before[0]])
            before = z, values


@pytest.mark.parametrize("left", [1, 5, 12])
def test_a_truncated_file_is_named_also_where_only_its_checksum_is_cut(path, left):
    path.write_bytes(path.read_bytes()[:-left])
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz") as refusal, read_ahead(path) as slices:
        list(slices)
    assert refusal.value.kind == "truncated_file"


def test_voxels_that_are_no_numbers_are_refused(tmp_path):
    ct = little_ct()
    values = ct.array.astype(np.float32)
    values[2, 1, 1] = np.inf
    write_nifti(tmp_path / "ct.nii.gz", values, ct.geometry)
    with pytest.raises(RefusedVolume) as refusal, read_ahead(tmp_path / "ct.nii.gz") as slices:
        list(slices)
    assert refusal.value.kind == "not_finite"


@pytest.mark.parametrize("taken", [0, 1])
def test_leaving_early_ends_the_thread(path, monkeypatch, taken):
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 1)
    before = set(threading.enumerate())
    with read_ahead(path) as slices:
        for _ in zip(range(taken), slices, strict=False):
            pass
    assert set(threading.enumerate()) <= before
