"""The lung mask that needs no weights."""

import numpy as np
import pytest

from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.segmentation.lung_classical import classical_lung

SPACING = (5.0, 2.7, 2.7)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_lungs_of_phantoms(seed):
    phantom = make_phantom(seed)
    assert dice(classical_lung(phantom.ct, SPACING), phantom.lung) > 0.95


@pytest.mark.parametrize("scanner", ["sharp", "thick", "contrast"])
def test_it_finds_them_on_other_scanners(scanner):
    phantom = make_phantom(1, SCANNERS[scanner])
    assert dice(classical_lung(phantom.ct, SPACING), phantom.lung) > 0.9


def test_it_keeps_most_of_heavy_disease():
    phantom = make_phantom(3, load=0.25)
    lung = classical_lung(phantom.ct, SPACING)
    assert dice(lung, phantom.lung) > 0.9
    ground_glass = phantom.lesion & (phantom.ct < -350)
    assert (ground_glass & lung).sum() / ground_glass.sum() > 0.9


def test_a_large_matrix_is_worked_on_at_reduced_size_and_given_back_whole():
    phantom = make_phantom(1, shape=(10, 300, 320))
    lung = classical_lung(phantom.ct, phantom.geometry.spacing_zyx_mm)
    assert lung.shape == phantom.ct.shape
    assert dice(lung, phantom.lung) > 0.95


def test_neither_the_air_around_the_patient_nor_under_the_table_is_lung():
    phantom = make_phantom(2)
    lung = classical_lung(phantom.ct, SPACING)
    assert not lung[:, :5].any()
    assert not lung[:, -25:].any()


def test_an_image_without_lungs_has_none():
    water = np.zeros((10, 64, 64), np.int16)
    air = np.full((10, 64, 64), -1000, np.int16)
    head = np.where(np.hypot(*np.mgrid[-32:32, -32:32]) < 25, 40, -1000).astype(np.int16)[None].repeat(10, 0)
    for image in (water, air, head):
        assert classical_lung(image, SPACING) is None


def test_a_piece_of_gut_is_no_second_lung():
    trunk = np.hypot(*np.mgrid[-40:40, -40:40])[None].repeat(20, 0) < 36
    ct = np.where(trunk, 40, -1000).astype(np.int16)
    ct[:, 25:55, 10:35] = -850
    ct[2:6, 40:46, 55:61] = -900
    lung = classical_lung(ct, SPACING)
    assert lung[10, 40, 20]
    assert not lung[:, :, 50:].any()
