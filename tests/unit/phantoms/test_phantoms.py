"""Phantoms look like a chest where figures can say so, and are the same again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from segwatch.phantoms.lesions import CONSOLIDATION_HU, GROUND_GLASS_HU
from segwatch.phantoms.phantom import SHAPE, Phantom, make_phantom
from segwatch.phantoms.scanner import SCANNERS, STANDARD

SEEDS = range(6)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [make_phantom(seed) for seed in SEEDS]


def healthy_lung_noise(phantom: Phantom) -> float:
    """Deviation of neighbouring voxels along z, which share nothing but their tissue."""
    away = phantom.lung & ~ndimage.binary_dilation(phantom.lesion, iterations=3)
    core = ndimage.binary_erosion(away, iterations=4)
    steps = np.diff(phantom.ct.astype(float), axis=0)[core[1:] & core[:-1]]
    return float(np.median(np.abs(steps))) / 0.6745 / np.sqrt(2)


def test_arrays_have_the_shape_and_the_types_that_the_product_reads(phantoms):
    for phantom in phantoms:
        assert phantom.ct.shape == phantom.lesion.shape == phantom.lung.shape == SHAPE
        assert (phantom.ct.dtype, phantom.lesion.dtype, phantom.lung.dtype) == (np.int16, np.bool_, np.bool_)
        assert phantom.geometry.shape_zyx == SHAPE
        assert phantom.geometry.spacing_zyx_mm == pytest.approx((5.0, 2.7, 2.7))


def test_lesions_lie_inside_the_lungs_and_fill_the_share_that_was_drawn(phantoms):
    for phantom in phantoms:
        assert not (phantom.lesion & ~phantom.lung).any()
        assert 0.004 <= phantom.lesion.sum() / phantom.lung.sum() <= 0.26


def test_a_load_that_is_asked_for_is_given():
    phantom = make_phantom(3, load=0.2)
    assert phantom.lesion.sum() / phantom.lung.sum() == pytest.approx(0.2, abs=0.002)


def test_a_patient_without_lesions_has_none():
    healthy = make_phantom(3, load=0)
    assert not healthy.lesion.any()
    assert healthy.lung.any()


def test_lungs_have_the_volume_of_lungs_and_lie_on_both_sides(phantoms):
    for phantom in phantoms:
        litres = phantom.lung.sum() * phantom.geometry.voxel_ml / 1000
        assert 1.5 < litres < 6
        middle = SHAPE[2] // 2
        right, left = phantom.lung[:, :, :middle].sum(), phantom.lung[:, :, middle:].sum()
        assert 0.4 < left / right < 1.1  # the heart takes from the left lung


def test_hounsfield_units_are_those_of_a_chest(phantoms):
    for phantom in phantoms:
        healthy = phantom.ct[phantom.lung & ~phantom.lesion]
        assert -900 < np.median(healthy) < -780
        assert phantom.ct[:, 0, 0].mean() < -950  # the air beside the patient
        assert phantom.ct.max() > 300  # bone
        assert phantom.ct.min() >= -1024


def test_lesions_have_the_hounsfield_units_of_ground_glass_and_consolidation():
    inner = np.concatenate(
        [
            p.ct[ndimage.binary_erosion(p.lesion, iterations=3)]
            for p in (make_phantom(s, load=0.2) for s in SEEDS)
        ]
    )
    low, high = np.percentile(inner, [5, 95])
    assert GROUND_GLASS_HU[0] - 100 < low
    assert high < CONSOLIDATION_HU[1] + 60
    assert (inner > -200).any()
    assert (inner < -300).any()


def test_some_lesions_touch_the_pleura(phantoms):
    rim = [p.lung & ~ndimage.binary_erosion(p.lung) for p in phantoms]
    assert sum((p.lesion & r).any() for p, r in zip(phantoms, rim, strict=True)) >= len(phantoms) // 2


def test_vessels_run_through_the_lungs(phantoms):
    for phantom in phantoms:
        core = ndimage.binary_erosion(phantom.lung & ~phantom.lesion, iterations=2)
        share = (phantom.ct[core] > -600).mean()
        assert 0.001 < share < 0.1


def test_the_same_seed_is_the_same_phantom_and_another_seed_another_patient():
    first, again, other = make_phantom(11), make_phantom(11), make_phantom(12)
    np.testing.assert_array_equal(first.ct, again.ct)
    np.testing.assert_array_equal(first.lesion, again.lesion)
    assert (first.lung != other.lung).mean() > 0.005


def test_a_new_scanner_changes_the_image_and_not_the_patient():
    standard, sharp = make_phantom(7), make_phantom(7, SCANNERS["sharp"])
    np.testing.assert_array_equal(standard.lesion, sharp.lesion)
    np.testing.assert_array_equal(standard.lung, sharp.lung)
    assert healthy_lung_noise(sharp) > 3 * healthy_lung_noise(standard)


def test_less_tube_current_means_more_noise_by_the_square_root():
    usual = healthy_lung_noise(make_phantom(7, replace(STANDARD, noise_hu=40)))
    quarter = healthy_lung_noise(make_phantom(7, replace(STANDARD, noise_hu=40, tube_current_ma=50)))
    assert quarter / usual == pytest.approx(2, rel=0.15)


def test_a_sharper_kernel_moves_noise_to_higher_frequencies():
    def roughness(sharpness: float) -> float:
        noise = make_phantom(7, replace(STANDARD, sharpness=sharpness, noise_hu=60)).ct[:, 4:20, 4:60]
        noise = noise - noise.mean(axis=(1, 2), keepdims=True)
        spectrum = np.abs(np.fft.rfft(noise, axis=2)).mean(axis=(0, 1))
        return float(spectrum[len(spectrum) // 2 :].sum() / spectrum.sum())

    assert roughness(1.0) > 1.2 * roughness(0.0)


def test_a_contrast_agent_brightens_the_heart():
    plain, bright = make_phantom(7), make_phantom(7, SCANNERS["contrast"])
    heart = (slice(4, 9), slice(50, 58), slice(68, 76))
    assert bright.ct[heart].mean() > plain.ct[heart].mean() + 100


def test_thick_slices_blur_along_the_body():
    thin, thick = make_phantom(7), make_phantom(7, SCANNERS["thick"])
    assert (
        np.abs(np.diff(thick.ct.astype(float), axis=0)).mean()
        < np.abs(np.diff(thin.ct.astype(float), axis=0)).mean()
    )


def test_another_shape_keeps_the_extent():
    phantom = make_phantom(1, shape=(20, 96, 80))
    assert phantom.ct.shape == (20, 96, 80)
    assert phantom.geometry.spacing_zyx_mm == pytest.approx((8.0, 3.6, 4.32))
    usual = make_phantom(1)
    litres = [p.lung.sum() * p.geometry.voxel_ml / 1000 for p in (phantom, usual)]
    assert litres[0] == pytest.approx(litres[1], rel=0.05)


@pytest.mark.parametrize(
    ("seed", "shape", "load"), [(-1, SHAPE, None), (0, (4, 64, 64), None), (0, SHAPE, 0.9)]
)
def test_what_cannot_be_made_is_refused(seed, shape, load):
    with pytest.raises(ValueError, match="a phantom needs"):
        make_phantom(seed, shape=shape, load=load)
