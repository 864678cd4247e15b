"""What looks like one series and is not: two scans or patients, images of one name, half of them."""

import numpy as np
import pytest
from pydicom.uid import RLELossless, generate_uid

from segwatch.errors import RefusedVolume
from segwatch.volumes.dicom import read_series
from segwatch.volumes.image import Volume
from tests.support.images import dicom_slices, little_ct, save_all


def tall(slices: int = 12) -> list:
    ct = little_ct()
    array = np.stack([np.roll(ct.array[0], k) for k in range(slices)])
    return dicom_slices(Volume(array, ct.geometry.model_copy(update={"shape_zyx": array.shape})))


def refusal(slices, tmp_path) -> RefusedVolume:
    with pytest.raises(RefusedVolume) as caught:
        read_series(save_all(slices, tmp_path / "series"))
    return caught.value


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("PatientID", ("PAT 1", "PAT 2")),
        ("PatientID", ("PAT 1", "")),
        ("StudyInstanceUID", (generate_uid(), generate_uid())),
        ("FrameOfReferenceUID", (generate_uid(), generate_uid())),
        ("AcquisitionNumber", (1, 2)),
        ("AcquisitionUID", (generate_uid(), generate_uid())),
        ("ConvolutionKernel", ("B30f", "B70f")),
        ("ConvolutionKernel", (["Br40f", "3"], ["Bl57f", "3"])),
        ("KVP", (80, 140)),
        ("TemporalPositionIdentifier", (1, 2)),
        ("NominalPercentageOfCardiacPhase", (30, 70)),
        ("ContrastBolusAgent", ("", "agent")),
        ("PatientPosition", ("HFS", "FFS")),
        ("StationName", ("CT 1", "CT 2")),
        ("SliceThickness", (1.25, 5)),
        ("ImageType", (["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL", "MIP"])),
    ],
)
@pytest.mark.parametrize("way", ["above", "between"])
def test_two_scans_under_one_series_uid_are_found_and_what_differs_is_named(tmp_path, keyword, values, way):
    slices = tall()
    for k, data in enumerate(slices):
        setattr(data, keyword, values[k >= 6 if way == "above" else k % 2])
    error = refusal(slices, tmp_path)
    assert error.kind == "mixed_series"
    assert keyword in str(error)
    assert "PAT" not in str(error)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("SliceThickness", (5, 5.0001)),
        ("ImageType", (["ORIGINAL", "PRIMARY", "AXIAL"], ["ORIGINAL", "PRIMARY", "AXIAL", "SPI"])),
        ("PatientPosition", ("HFS", "")),
    ],
)
def test_what_writers_say_otherwise_of_one_scan_divides_nothing(tmp_path, keyword, values):
    slices = tall()
    for k, data in enumerate(slices):
        setattr(data, keyword, values[k % 2])
    assert read_series(save_all(slices, tmp_path)).volume.array.shape[0] == 12


def test_the_rotations_of_a_scanner_that_shoots_step_by_step_are_one_scan(tmp_path):
    slices = tall(14)
    for k, data in enumerate(slices):
        data.AcquisitionNumber = 3 + k // 3
    assert read_series(save_all(slices, tmp_path)).volume.array.shape[0] == 14


@pytest.mark.parametrize("every", [2, 3])
def test_images_that_are_missing_evenly_are_found_by_their_numbers(tmp_path, every):
    error = refusal(tall()[::every], tmp_path)
    assert error.kind == "missing_slices"
    assert "InstanceNumber" in str(error)


@pytest.mark.parametrize("numbers", [[None] * 12, [1] * 12, [5, 6, 7, 9, *range(10, 18)], range(12, 0, -1)])
def test_numbers_that_show_nothing_missing_refuse_nothing(tmp_path, numbers):
    slices = tall()
    for data, number in zip(slices, numbers, strict=True):
        data.InstanceNumber = number
    assert read_series(save_all(slices, tmp_path)).volume.array.shape[0] == 12


@pytest.mark.parametrize(
    "orientation",
    [[0] * 6, [2, 0, 0, 0, 2, 0], [1, 0, 0, 0, 0, 0], [1, 0, 0, 0.1, 0.99, 0], [0.9, 0, 0, 0, 1, 0]],
)
def test_an_orientation_that_is_no_pair_of_unit_vectors_is_refused(tmp_path, orientation):
    slices = tall()
    for data in slices:
        data.ImageOrientationPatient = orientation
    error = refusal(slices, tmp_path)
    assert error.kind == "no_affine"
    assert "ImageOrientationPatient" in str(error)


def test_what_rounding_took_from_a_direction_does_not_change_the_spacing(tmp_path):
    slices = tall()
    for data in slices:
        data.ImageOrientationPatient = [0.999, 0, 0, 0, 0.998, 0]
    geometry = read_series(save_all(slices, tmp_path)).volume.geometry
    assert geometry.spacing_zyx_mm == pytest.approx((2.5, 0.75, 0.5))


@pytest.mark.parametrize("shared", ["all", "pairs", "the last two"])
def test_two_images_under_one_uid_are_refused_and_both_are_named(tmp_path, shared):
    slices = tall()
    uids = {"all": [0] * 12, "pairs": [k // 2 for k in range(12)], "the last two": [*range(11), 10]}[shared]
    for data, number in zip(slices, uids, strict=True):
        data.SOPInstanceUID = f"1.2.3.{number + 1}"
    error = refusal(slices, tmp_path)
    assert error.kind == "conflicting_instances"
    assert str(error).count(".dcm") == 2


def test_a_copy_with_another_file_header_or_compressed_counts_once(tmp_path):
    slices = tall()
    paths = save_all(slices, tmp_path)
    again = tall()[0]
    again.update(slices[0])
    again.file_meta.ImplementationVersionName = "ANOTHER"
    again.save_as(tmp_path / "again.dcm", enforce_file_format=True)
    packed = tall()[0]
    packed.update(slices[1])
    packed.compress(RLELossless, generate_instance_uid=False)
    packed.save_as(tmp_path / "packed.dcm", enforce_file_format=True)
    files = [*paths, tmp_path / "again.dcm", tmp_path / "packed.dcm"]
    assert read_series(files).volume.array.shape[0] == 12
