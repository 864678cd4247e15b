"""What another scanner does to a CT in HU."""

from dataclasses import replace

import numpy as np
import pytest

from segwatch.cohorts.scanner_changes import SCANNER_CHANGES, HuScan, scanned_otherwise
from segwatch.phantoms.phantom import make_phantom


def a_scan(seed: int = 0) -> HuScan:
    phantom = make_phantom(seed, shape=(16, 64, 64), load=0.2)
    return HuScan(phantom.ct, phantom.lesion, phantom.lung, phantom.geometry.spacing_zyx_mm)


@pytest.mark.parametrize("change", SCANNER_CHANGES)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_changed_scan_is_a_scan_in_hu_with_its_masks(change, strength):
    found = scanned_otherwise(a_scan(), {change: strength}, np.random.default_rng(1))

    assert found.hu.dtype == np.int16
    assert found.hu.shape == found.truth.shape == found.lung.shape
    assert found.hu.min() >= -1024
    assert found.hu.max() <= 3071
    again = scanned_otherwise(a_scan(), {change: strength}, np.random.default_rng(1))
    assert (found.hu == again.hu).all()


@pytest.mark.parametrize("change", ["dose", "kernel", "contrast_agent", "offset"])
def test_a_stronger_change_of_values_changes_more_and_moves_no_mask(change):
    scan = a_scan()

    def distance(strength: float) -> float:
        changed = [scanned_otherwise(scan, {change: strength}, np.random.default_rng(s)) for s in range(6)]
        assert all((one.truth == scan.truth).all() for one in changed)
        return float(np.mean([np.abs(one.hu.astype(float) - scan.hu).mean() for one in changed]))

    assert 0 < distance(0.1) < distance(0.9)


def test_no_change_leaves_the_scan_as_it_is():
    scan = a_scan()
    assert scanned_otherwise(scan, {}, np.random.default_rng(0)) is scan


def test_thick_slices_average_and_keep_the_height():
    scan = a_scan()
    found = scanned_otherwise(scan, {"slice_thickness": 0.0}, np.random.default_rng(0))
    assert found.spacing[0] == 2 * scan.spacing[0]
    np.testing.assert_allclose(found.hu[0], scan.hu[:2].mean(axis=0), atol=0.51)
    assert (found.truth[3] == (scan.truth[6] | scan.truth[7])).all()


@pytest.mark.parametrize("seed", range(6))
def test_another_field_of_view_keeps_lung_and_lesions_and_their_volume(seed):
    scan = a_scan()
    found = scanned_otherwise(scan, {"field_of_view": 0.8}, np.random.default_rng(seed))

    assert found.hu.shape == scan.hu.shape
    assert found.spacing != scan.spacing
    for before, after in ((scan.truth, found.truth), (scan.lung, found.lung)):
        ml = [
            mask.sum() * np.prod(spacing)
            for mask, spacing in ((before, scan.spacing), (after, found.spacing))
        ]
        assert ml[1] == pytest.approx(ml[0], rel=0.05)


def test_contrast_agent_brightens_blood_more_than_lesions_and_air_not_at_all():
    scan = a_scan()
    scan = replace(scan, hu=np.where(scan.truth, 30, scan.hu).astype(np.int16))  # consolidation
    found = scanned_otherwise(scan, {"contrast_agent": 1.0}, np.random.default_rng(0))
    risen = found.hu.astype(float) - scan.hu
    assert np.abs(risen[scan.hu < -700]).max() == 0
    assert risen[~scan.truth].max() == 260
    assert 0 < risen[scan.truth].max() <= 65


def test_what_is_no_change_is_refused():
    with pytest.raises(ValueError, match="no change 'age'"):
        scanned_otherwise(a_scan(), {"age": 0.5}, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"strength 1\.5"):
        scanned_otherwise(a_scan(), {"dose": 1.5}, np.random.default_rng(0))
