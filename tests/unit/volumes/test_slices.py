"""Slices come in the file's order, and stay as they are as long as they were asked to."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.volumes.nifti import write_nifti
from segwatch.volumes.slices import open_slices
from tests.support.images import little_ct

SLICES = 23
SLICE_BYTES = 4 * 4 * 2


@pytest.fixture(scope="module")
def tall(tmp_path_factory):
    array = np.arange(SLICES * 16, dtype=np.int16).reshape(SLICES, 4, 4)
    path = tmp_path_factory.mktemp("slices") / "tall.nii.gz"
    write_nifti(path, array, little_ct().geometry.model_copy(update={"shape_zyx": array.shape}))
    return path, array


@given(held=st.integers(1, 30), together=st.integers(0, 30))
def test_however_many_are_read_together_the_last_ones_stay_as_they_are(tall, held, together):
    path, array = tall
    seen, last = [], deque(maxlen=held)
    with open_slices(path) as slices:
        for z, values in slices.each(held, together * SLICE_BYTES):
            seen.append(z)
            last.append((z, values))
            for at, kept in last:
                assert np.array_equal(kept, array[at])
        slices.finish()
    assert seen == list(range(SLICES))
