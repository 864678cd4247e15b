"""Reading files that others made; skipped where they are absent."""

from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedVolume
from segwatch.volumes.hounsfield import judged
from segwatch.volumes.nifti import read_nifti
from segwatch.volumes.orientation import affine_of
from segwatch.volumes.read import read_ct, read_mask


def test_display_valued_cts_are_told_from_hu(real_data: Path):
    cases = sorted((real_data / "covid20" / "cases").iterdir())
    assert len(cases) == 14
    assert {judged(read_ct(case / "ct.nii.gz").array).unit for case in cases} == {"unknown"}
    for name in ("ibsi_phantom", "totalsegmentator"):
        assert judged(read_ct(real_data / "hu" / name / "ct.nii.gz").array).unit == "hu"


@pytest.mark.parametrize("name", ["lung", "lesion_truth", "lesion_predicted"])
def test_masks_lie_on_their_ct(real_data: Path, name: str):
    for case in sorted((real_data / "covid20" / "cases").iterdir()):
        ct = read_ct(case / "ct.nii.gz")
        mask = read_mask(case / f"{name}.nii.gz", ct.geometry)
        assert 0 < mask.array.mean() < 0.5


def test_a_mask_of_another_case_is_refused(real_data: Path):
    cases = real_data / "covid20" / "cases"
    ct = read_ct(cases / "coronacases_006" / "ct.nii.gz")
    with pytest.raises(RefusedVolume) as caught:
        read_mask(cases / "coronacases_009" / "lung.nii.gz", ct.geometry)
    assert caught.value.kind == "affine_mismatch"
    with pytest.raises(RefusedVolume) as caught:
        read_mask(cases / "coronacases_002" / "lung.nii.gz", ct.geometry)
    assert caught.value.kind == "shape_mismatch"


def test_mosmed_masks_are_turned_to_canonical_orientation(real_data: Path):
    import nibabel

    for path in sorted((real_data / "mosmed_masks").glob("*.nii.gz"))[:3]:
        volume, image = read_nifti(path), nibabel.load(path)
        flipped = np.asarray(image.dataobj)[:, ::-1, :].transpose(2, 1, 0)
        np.testing.assert_array_equal(volume.array, flipped)
        voxel = [10, volume.array.shape[1] - 1 - 20, 30, 1]
        there = np.diag([-1, -1, 1, 1]) @ image.affine @ [10, 20, 30, 1]
        np.testing.assert_allclose(affine_of(volume.geometry) @ voxel, there, atol=1e-3)


def test_a_published_prediction_with_one_frame_is_read(real_data: Path):
    folder = real_data / "covid20" / "full_resolution_predictions"
    assert read_nifti(folder / "coronacases_006.nii.gz").array.ndim == 3


def test_dicom_slices_are_read_in_hu(real_data: Path):
    volume = read_ct(real_data / "hu" / "lungmask_dicom")
    assert volume.array.shape == (2, 512, 512)
    assert volume.array.dtype == np.int16
    assert judged(volume.array).unit == "hu"
    assert volume.geometry.spacing_zyx_mm == (1.0, 0.625, 0.625)
