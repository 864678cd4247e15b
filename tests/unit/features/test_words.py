"""64 values at a time give what one at a time gives, wherever an array begins and ends."""

import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segwatch.features.kernels.components import connect
from segwatch.features.kernels.runs import encode_runs
from segwatch.features.kernels.sampling import intensities, mean_of_component
from segwatch.features.kernels.words import filled, summed

ROOT = Path(__file__).parents[3]
DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
places = st.tuples(st.integers(1, 300), st.integers(0, 299), st.integers(1, 300))
"""Size of an array, and where a stretch of it begins and how long it is, if the array is as long."""


@numba.njit
def _filled(voxels, at, end):
    return filled(voxels, at, end)


@numba.njit
def _summed(values, begin, end):
    return summed(values, begin, end)


def stretch(place):
    size, begin, length = place
    begin = min(begin, size - 1)
    return size, begin, min(begin + length, size)


@settings(deadline=None)
@given(places, st.integers(0, 2**32))
@example((63, 0, 63), 0)
@example((64, 63, 1), 0)
@example((65, 1, 64), 0)
def test_each_bit_says_whether_its_byte_is_filled(place, seed):
    size, at, end = stretch(place)
    end = min(end, at + 64)
    voxels = np.random.default_rng(seed).integers(0, 3, size, np.uint8) * 127
    bits = int(_filled(voxels, at, end))
    assert [bits >> place & 1 for place in range(64)] == [*(voxels[at:end] != 0), *[0] * (64 - end + at)]


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None)
@given(place=places, seed=st.integers(0, 2**32))
@example(place=(300, 0, 300), seed=0)
def test_a_stretch_of_numbers_of_any_type_is_summed(dtype, place, seed):
    size, begin, end = stretch(place)
    rng = np.random.default_rng(seed)
    if dtype.startswith("f"):
        values = rng.normal(-500, 300, size).astype(dtype)
        assert _summed(values, begin, end) == pytest.approx(values[begin:end].sum(dtype="f8"), rel=1e-12)
        return
    least, most = (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = rng.choice(np.array([least, most, 0, 1], dtype), size)
    assert _summed(values, begin, end) == sum(map(int, values[begin:end]))


LAYOUTS = {
    "one after another": lambda array: array,
    "in Fortran's order": np.asfortranarray,
    "turned round": lambda array: array[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "every second": lambda array: np.repeat(array, 2, axis=2)[..., ::2],
    "read only": lambda array: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["i2", "f4"])
@pytest.mark.parametrize("shape", [(3, 5, 9), (3, 8, 130)], ids=["slices of less than 64", "slices of more"])
def test_the_ct_is_read_alike_however_it_lies_in_memory(layout, dtype, shape):
    rng = np.random.default_rng(5)
    ct = rng.integers(-1000, 400, shape).astype(dtype)
    lesion = rng.random(shape) < 0.6
    runs = encode_runs(LAYOUTS[layout](lesion.view(np.uint8)))
    components = connect(runs)
    assert components.count == 1
    laid = LAYOUTS[layout](ct)
    assert mean_of_component(laid, runs, components, 0) == pytest.approx(
        ct[lesion].mean(dtype="f8"), rel=1e-12
    )
    assert intensities(laid, runs, -950, 200).mean == pytest.approx(ct[lesion].mean(dtype="f8"), rel=1e-12)


BESIDE_FORBIDDEN_PAGES = """
import ctypes, mmap
import numpy as np
from segwatch.features.measuring import measure
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.runs import encode_runs
from segwatch.features.kernels.sampling import count_inside

def placed(array, at_the_end, page=mmap.PAGESIZE):
    pages = -(-array.nbytes // page)
    memory = mmap.mmap(-1, (pages + 2) * page)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for forbidden in (begin, begin + (pages + 1) * page):
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(forbidden), page, 0) == 0
    at = page + (pages * page - array.nbytes if at_the_end else 0)
    there = np.frombuffer(memory, array.dtype, array.size, at).reshape(array.shape)
    there[...] = array
    return there

rng = np.random.default_rng(3)
for nx in (1, 7, 63, 64, 65, 127, 128, 130):
    for at_the_end in (True, False):
        shape = (2, 3, nx)
        lesion, lung = (np.uint8(rng.random(shape) < 0.8) for _ in range(2))
        lesion[:, :, [0, -1]] = lung[:, :, [0, -1]] = 1
        for kind in ("i2", "f4", "u1"):
            ct = rng.integers(0, 100, shape).astype(kind)
            given = [placed(array, at_the_end) for array in (ct, lesion, lung)]
            there = measure(*given, (1, 1, 1), ct_unit="hu").features
            assert there == measure(ct, lesion, lung, (1, 1, 1), ct_unit="hu").features
        bits = placed(np.packbits(lung), at_the_end)
        assert count_inside(BinaryMask(bits=(bits, shape)), encode_runs(lesion)) == (lesion & lung).sum()
"""


def test_nothing_is_read_beside_the_arrays():
    """In a process of its own, which such a reading would end."""
    subprocess.run([sys.executable, "-c", BESIDE_FORBIDDEN_PAGES], check=True, cwd=ROOT, timeout=120)
