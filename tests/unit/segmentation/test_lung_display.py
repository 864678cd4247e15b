"""The lung mask of scans in 8-bit display values."""

from pathlib import Path

import numpy as np
import pytest

from segwatch.segmentation.lung_classical import classical_lung
from segwatch.segmentation.lung_display import display_lung
from segwatch.segmentation.segmenter import lung_of
from segwatch.volumes.hounsfield import in_hounsfield
from segwatch.volumes.image import Volume
from segwatch.volumes.read import read_ct, read_mask

CASES = Path(__file__).parents[4] / "shared" / "data" / "covid20" / "cases"
SPACING = (5.0, 4.0, 4.0)


def dice(a, b):
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def chest(fat_hu: int):
    """A CT with two lungs in a trunk of tissue, with a layer of fat beside one of them."""
    _, y, x = np.indices((12, 64, 64))
    around = np.hypot((y - 32) / 28, (x - 32) / 30)
    lung = np.hypot((y - 32) / 16, (x - 20) / 8) < 1
    lung |= np.hypot((y - 32) / 16, (x - 46) / 8) < 1
    ct = np.where(around < 1, 40, -1000)
    ct[(around < 0.93) & (x < 20) & ~lung] = fat_hu
    ct[lung] = -650
    return ct.astype(np.float32) + np.random.default_rng(0).normal(0, 20, ct.shape), lung


def test_fat_that_looks_like_air_stays_out():
    ct, lung = chest(fat_hu=-360)
    assert dice(classical_lung(ct, SPACING), lung) < 0.85
    assert dice(display_lung(ct, SPACING), lung) > 0.9


def test_a_lesion_that_is_as_dense_as_fat_stays_in():
    ct, lung = chest(fat_hu=-360)
    ball = np.zeros(lung.shape, np.bool_)
    ball[4:8, 28:34, 16:20] = True
    ct[ball] = -360
    assert (display_lung(ct, SPACING) & ball).sum() > 0.95 * ball.sum()


def test_an_image_without_lungs_has_none():
    for level in (40.0, -1000.0):
        assert display_lung(np.full((8, 32, 32), level, np.float32), SPACING) is None


@pytest.mark.parametrize("case", ["radiopaedia_29_86491_1", "radiopaedia_36_86526_0"])
def test_a_real_scan_in_display_values_has_the_experts_lungs(case):
    if not CASES.is_dir():
        pytest.skip(f"the covid20 cases are not at {CASES}")
    ct = read_ct(CASES / case / "ct.nii.gz")
    expert = read_mask(CASES / case / "lung.nii.gz", ct.geometry).array
    mapped = Volume(in_hounsfield(ct.array, "display", case).array, ct.geometry)
    lung = lung_of(mapped, "display", None, None)
    assert lung.method == "classical"
    assert dice(lung.mask, expert) > 0.9
