"""NRRD and MetaImage, and the file's own axes."""

from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedVolume
from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.itk import itk_turning, read_itk
from segwatch.volumes.nifti import nifti_turning, read_nifti, write_nifti

SimpleITK = pytest.importorskip("SimpleITK", reason="needs the extra `segmentation`")


@pytest.fixture
def phantom():
    return make_phantom(3, shape=(10, 40, 32))


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
@pytest.mark.parametrize("axes", ["LPS", "RAS", "LPI", "SAR"])
def test_itks_formats_give_what_nifti_gives_whatever_their_axes(tmp_path: Path, phantom, ending, axes):
    nifti, other = tmp_path / "ct.nii.gz", tmp_path / f"ct{ending}"
    write_nifti(nifti, phantom.ct, phantom.geometry)
    SimpleITK.WriteImage(SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(nifti)), axes), str(other))

    found, wanted = read_itk(other), read_nifti(nifti)

    assert (found.array == wanted.array).all()
    np.testing.assert_allclose(found.geometry.origin_xyz_mm, wanted.geometry.origin_xyz_mm, atol=1e-4)
    assert itk_turning(other).geometry.shape_zyx == wanted.geometry.shape_zyx


@pytest.mark.parametrize("axes", ["LPS", "RAS", "LPI", "SAR"])
def test_an_array_can_be_turned_back_into_its_files_axes(tmp_path: Path, phantom, axes):
    path = tmp_path / "ct.nii.gz"
    write_nifti(path, phantom.ct, phantom.geometry)
    SimpleITK.WriteImage(SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), axes), str(path))
    as_in_file = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).transpose(2, 1, 0)
    turning = nifti_turning(path)

    assert (turning.as_in_file(read_nifti(path).array) == as_in_file).all()
    assert (turning.canonical(as_in_file) == phantom.ct).all()


def test_what_itk_cannot_read_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "broken.nrrd"
    path.write_text("no image")
    for read in (read_itk, itk_turning):
        with pytest.raises(RefusedVolume, match=r"broken\.nrrd"):
            read(path)
