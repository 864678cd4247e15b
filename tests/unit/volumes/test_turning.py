"""NRRD and MetaImage, and the file's own axes."""

import re
from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedVolume
from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.nifti import nifti_turning, read_nifti, write_nifti
from segwatch.volumes.read import read_ct, read_image, turning_of

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

    found, wanted = read_image(other), read_nifti(nifti)

    assert (found.array == wanted.array).all()
    np.testing.assert_allclose(found.geometry.origin_xyz_mm, wanted.geometry.origin_xyz_mm, atol=1e-4)
    assert turning_of(other).geometry == found.geometry


@pytest.mark.parametrize("axes", ["LPS", "RAS", "LPI", "SAR"])
def test_an_array_can_be_turned_back_into_its_files_axes(tmp_path: Path, phantom, axes):
    path = tmp_path / "ct.nii.gz"
    write_nifti(path, phantom.ct, phantom.geometry)
    SimpleITK.WriteImage(SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), axes), str(path))
    as_in_file = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).transpose(2, 1, 0)
    turning = nifti_turning(path)

    assert (turning.as_in_file(read_nifti(path).array) == as_in_file).all()
    assert (turning.canonical(as_in_file) == phantom.ct).all()


@pytest.mark.parametrize("text", ["no image", "NRRD0004\n"])
@pytest.mark.parametrize("name", ["broken.nrrd", "broken.mha", "broken.nii.gz"])
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, name, text):
    path = tmp_path / name
    path.write_text(text)
    for read in (read_image, turning_of):
        with pytest.raises(RefusedVolume, match=re.escape(name)):
            read(path)


@pytest.mark.parametrize(("half", "whole"), [("ct.mhd", ".mha"), ("CT.NHDR", ".nrrd"), ("ct.hdr", ".nii")])
def test_half_of_an_image_says_how_to_save_it_wherever_it_lies(tmp_path: Path, half, whole):
    (tmp_path / half).write_text("the header of ct.raw")
    for path in (tmp_path / half, tmp_path):
        with pytest.raises(RefusedVolume, match=f"half of an image; save both as one {whole} file"):
            read_ct(path)
