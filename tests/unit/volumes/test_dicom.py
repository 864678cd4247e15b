import contextlib
import resource
import shutil
from pathlib import Path

import gdcm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import (
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from segwatch.errors import RefusedVolume
from segwatch.volumes.dicom import read_series
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from segwatch.volumes.orientation import affine_of
from segwatch.volumes.read import read_ct
from tests.support.fuzz_cases import with_elements

turns = st.tuples(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))


def same(one: Volume, other: Volume) -> None:
    np.testing.assert_array_equal(one.array, other.array)
    assert one.array.dtype == other.array.dtype
    np.testing.assert_allclose(affine_of(one.geometry), affine_of(other.geometry), atol=1e-6)


@pytest.fixture
def slices(ct, make_slices) -> list[Dataset]:
    return make_slices(ct)


@pytest.fixture
def refusal(tmp_path, save):
    """The kind for which a series is refused, once its message is known to name a file and no folder."""

    def kind_of(slices: list[Dataset]) -> str:
        save(slices, tmp_path / "Doe^Jane")
        with pytest.raises(RefusedVolume, match=r"^\d+\.dcm: ") as caught:
            read_ct(tmp_path / "Doe^Jane")
        assert "Jane" not in str(caught.value)
        return caught.value.kind

    return kind_of


@settings(deadline=None, max_examples=48, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns)
def test_however_a_series_is_turned_and_flipped_the_canonical_array_is_the_same(
    tmp_path, ct, make_slices, save, turn
):
    shutil.rmtree(tmp_path)
    save(make_slices(ct, *turn), tmp_path)
    same(read_ct(tmp_path), ct)


def test_dicom_and_nifti_of_one_ct_are_the_same(tmp_path, ct, slices, save):
    write_nifti(tmp_path / "ct.nii.gz", ct.array, ct.geometry)
    nifti, dicom = read_ct(tmp_path / "ct.nii.gz"), read_ct(save(slices, tmp_path / "series"))
    np.testing.assert_array_equal(nifti.array, dicom.array)
    np.testing.assert_allclose(affine_of(nifti.geometry), affine_of(dicom.geometry), atol=1e-4)


def test_identifiers_and_scanner_are_read(tmp_path, slices, save):
    for data in slices:
        data.Manufacturer, data.ManufacturerModelName = "Maker", " Model "
        data.ConvolutionKernel = ["I31f", "3"]
        data.XRayTubeCurrent, data.KVP, data.ContrastBolusAgent = 120, 100.0, "Iodine"
    series = read_series(save(slices, tmp_path))
    assert series.patient_id == "PAT 1"
    assert series.series_uid == slices[0].SeriesInstanceUID
    assert series.study_uid == slices[0].StudyInstanceUID
    assert series.scanner.model_dump() == {
        "manufacturer": "Maker",
        "model": "Model",
        "kernel": "I31f/3",
        "slice_thickness_mm": 2.5,
        "tube_current_ma": 120.0,
        "peak_kilovoltage": 100.0,
        "contrast_agent": True,
        "station": None,
        "software": None,
        "protocol": None,
    }


def test_what_the_header_does_not_say_is_not_guessed(tmp_path, slices, save):
    for data in slices:
        del data.PatientID
        data.Manufacturer = ""
    series = read_series(save(slices, tmp_path))
    assert series.patient_id == ""
    assert series.scanner.manufacturer is None
    assert series.scanner.contrast_agent is None


def compressed(path: Path, syntax: int) -> None:
    """Compress a file in place, losslessly, as a PACS may have stored it."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize(
    "syntax", ["JPEG2000Lossless", "JPEGLosslessProcess14_1", "JPEGLSLossless", "RLELossless"]
)
def test_compressed_pixels_are_decoded(tmp_path, ct, make_slices, save, syntax):
    array = np.random.default_rng(0).integers(-1000, 400, (2, 64, 48)).astype(np.int16)
    volume = Volume(array, ct.geometry.model_copy(update={"shape_zyx": array.shape}))
    for path in save(make_slices(volume), tmp_path):
        compressed(path, getattr(gdcm.TransferSyntax, syntax))
    same(read_ct(tmp_path), volume)


@pytest.mark.parametrize(("slope", "intercept", "dtype"), [(0.5, -1024.0, "float32"), (2, -2048, "int16")])
def test_each_slices_slope_and_intercept_are_applied(tmp_path, ct, slices, save, slope, intercept, dtype):
    for data in slices:
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
    read = read_ct(save(slices, tmp_path))
    np.testing.assert_array_equal(read.array, (ct.array.astype(np.float64) + 1024) * slope + intercept)
    assert read.array.dtype == dtype


def enhanced(slices: list[Dataset]) -> Dataset:
    """The slices as one enhanced multi-frame object, its frames in another order."""
    data = Dataset()
    data.update(slices[0])
    data.file_meta = slices[0].file_meta
    data.SOPClassUID, data.NumberOfFrames = EnhancedCTImageStorage, len(slices)
    shared, frames = Dataset(), []
    for group, keywords in {
        "PixelMeasuresSequence": ["PixelSpacing", "SliceThickness"],
        "PlaneOrientationSequence": ["ImageOrientationPatient"],
        "PixelValueTransformationSequence": ["RescaleSlope", "RescaleIntercept"],
    }.items():
        item = Dataset()
        for keyword in keywords:
            setattr(item, keyword, slices[0][keyword].value)
            del data[keyword]
        setattr(shared, group, Sequence([item]))
    del data.ImagePositionPatient
    for each in slices[::-1]:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = each.ImagePositionPatient
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    data.PixelData = b"".join(each.PixelData for each in slices[::-1])
    return data


def test_an_enhanced_multi_frame_ct_is_the_same_as_its_slices(tmp_path, ct, slices, save):
    same(read_ct(save([enhanced(slices)], tmp_path)), ct)


def test_two_phases_in_one_enhanced_ct_are_refused_and_their_images_named(tmp_path, slices, save):
    data = enhanced(slices)
    frames = list(data.PerFrameFunctionalGroupsSequence)
    data.PerFrameFunctionalGroupsSequence = [*frames, *frames]
    data.NumberOfFrames, data.PixelData = 2 * len(frames), data.PixelData * 2
    with pytest.raises(RefusedVolume, match=r"images \d and \d lie at one place") as caught:
        read_ct(save([data], tmp_path))
    assert caught.value.kind == "duplicate_slices"


def test_more_pixels_than_the_header_speaks_of_are_refused(tmp_path, slices, save):
    for each in slices:
        each.Rows //= 2
    with pytest.raises(RefusedVolume, match="rows, columns or frames are wrong") as caught:
        read_ct(save(slices, tmp_path))
    assert caught.value.kind == "unreadable"


def test_a_few_bytes_behind_the_pixels_are_passed_over(tmp_path, ct, slices, save):
    for each in slices:
        each.PixelData += b"\0\0"
    same(read_ct(save(slices, tmp_path)), ct)


def test_an_enhanced_ct_with_fewer_images_than_it_says_is_refused(slices, refusal):
    data = enhanced(slices)
    data.PixelData = data.PixelData[: len(data.PixelData) // 3]
    assert refusal([data]) == "truncated_file"


def test_a_single_slice_takes_its_spacing_from_its_thickness(tmp_path, ct, slices, save):
    read = read_ct(save(slices[:1], tmp_path))
    assert read.geometry.spacing_zyx_mm == (2.5, 0.75, 0.5)
    np.testing.assert_array_equal(read.array, ct.array[:1])


def test_a_single_slice_without_thickness_is_refused(slices, refusal):
    del slices[0].SliceThickness
    assert refusal(slices[:1]) == "bad_spacing"


def test_an_instance_that_is_there_twice_counts_once(tmp_path, ct, slices, save):
    same(read_ct(save([*slices, slices[1]], tmp_path)), ct)


def test_two_slices_at_one_place_are_refused(slices, refusal):
    slices[2].ImagePositionPatient = slices[1].ImagePositionPatient
    assert refusal(slices) == "duplicate_slices"


def test_a_missing_slice_is_refused(ct, make_slices, refusal):
    tall = Volume(np.repeat(ct.array, 3, axis=0), ct.geometry.model_copy(update={"shape_zyx": (9, 4, 5)}))
    slices = make_slices(tall)
    assert refusal(slices[:4] + slices[5:]) == "missing_slices"


def test_uneven_slices_are_refused(ct, make_slices, refusal):
    tall = Volume(np.repeat(ct.array, 3, axis=0), ct.geometry.model_copy(update={"shape_zyx": (9, 4, 5)}))
    slices = make_slices(tall)
    slices[4].ImagePositionPatient[2] += 0.8
    assert refusal(slices) == "varying_spacing"


def test_positions_rounded_to_a_tenth_are_even(tmp_path, ct, make_slices, save):
    tall = Volume(np.repeat(ct.array, 3, axis=0), ct.geometry.model_copy(update={"shape_zyx": (9, 4, 5)}))
    slices = make_slices(tall)
    for number, data in enumerate(slices):
        data.ImagePositionPatient[2] = round(number * 0.625, 1)
    assert read_ct(save(slices, tmp_path)).geometry.spacing_zyx_mm[0] == pytest.approx(0.625)


def test_a_tilted_gantry_is_refused(slices, refusal):
    for number, data in enumerate(slices):
        data.ImagePositionPatient[1] += number * 0.3
    assert refusal(slices) == "sheared"


def test_an_oblique_series_is_refused(slices, refusal):
    c, s = np.cos(0.3), np.sin(0.3)
    for number, data in enumerate(slices):
        data.ImageOrientationPatient = [1, 0, 0, 0, c, s]
        data.ImagePositionPatient = [0, -s * number * 2.5, c * number * 2.5]
    assert refusal(slices) == "oblique"


@pytest.mark.parametrize(
    ("keyword", "value", "kind"),
    [
        ("SOPClassUID", MRImageStorage, "not_ct"),
        ("Modality", "PT", "not_ct"),
        ("SamplesPerPixel", 3, "not_ct"),
        ("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"], "localizer"),
        ("SeriesInstanceUID", generate_uid(), "mixed_series"),
        ("SeriesInstanceUID", "", "unreadable"),
        ("PixelSpacing", [0.75, 0.6], "varying_geometry"),
        ("Rows", 2, "varying_geometry"),
        ("ImageOrientationPatient", [1, 0, 0, 0, 0, 1], "varying_geometry"),
        ("RescaleSlope", None, "no_rescale"),
        ("RescaleIntercept", None, "no_rescale"),
        ("ImagePositionPatient", None, "no_affine"),
        ("ImageOrientationPatient", None, "no_affine"),
        ("PixelSpacing", None, "no_affine"),
        ("PixelSpacing", [0.75], "unreadable"),
        ("PixelData", b"\0" * 10, "truncated_file"),
        ("PixelData", None, "truncated_file"),
    ],
)
def test_one_slice_that_does_not_belong_is_enough_to_refuse(slices, refusal, keyword, value, kind):
    if value is None:
        delattr(slices[1], keyword)
    else:
        setattr(slices[1], keyword, value)
    assert refusal(slices) == kind


def test_zero_spacing_is_refused(slices, refusal):
    for data in slices:
        data.PixelSpacing = [0, 0]
    assert refusal(slices) == "bad_spacing"


def test_a_series_whose_header_claims_too_many_voxels_is_refused(slices, refusal):
    for data in slices:
        data.Rows = data.Columns = 65535
    assert refusal(slices) == "too_large"


def test_a_file_without_modality_is_a_ct_by_its_class(tmp_path, ct, slices, save):
    for data in slices:
        del data.Modality
    same(read_ct(save(slices, tmp_path)), ct)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path, slices, save, share):
    paths = save(slices, tmp_path)
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RefusedVolume, match=paths[1].name):
        read_ct(tmp_path)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_refused_or_read_and_nothing_else(tmp_path, slices, save, data):
    path = save(slices, tmp_path)[0]
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(RefusedVolume):
        read_ct(tmp_path)


@pytest.mark.parametrize("keyword", ["SharedFunctionalGroupsSequence", "Modality"])
def test_an_element_of_a_type_that_it_cannot_have_is_damage(tmp_path, slices, keyword):
    """pydicom says of a sequence that ends early that the disk failed: the case would be tried for ever."""
    kind = "SQ" if keyword == "Modality" else "LO"
    for data in ({keyword: (kind, b"\xfe\xff\x00")}, {keyword: (kind, b"")}):
        path = tmp_path / "one.dcm"
        path.write_bytes(with_elements(slices[0], data))
        with pytest.raises(RefusedVolume) as caught:
            read_series([path])
        assert caught.value.kind == "unreadable"


def test_a_deflated_file_is_refused_before_it_is_unpacked(tmp_path, slices):
    path = tmp_path / "bomb.dcm"
    path.write_bytes(with_elements(slices[0], {"PixelData": ("OW", bytes(2**29))}, deflated=True))
    assert path.stat().st_size < 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RefusedVolume, match="deflated"):
        read_series([path])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16  # kB


@pytest.mark.parametrize(
    ("named", "coded"),
    [(ExplicitVRLittleEndian, ImplicitVRLittleEndian), (ImplicitVRLittleEndian, ExplicitVRLittleEndian)],
)
def test_a_file_coded_in_another_way_than_it_says_is_refused_with_both(tmp_path, slices, named, coded):
    path = tmp_path / "one.dcm"
    slices[0].file_meta.TransferSyntaxUID = named
    with path.open("wb") as file:
        file.write(b"\0" * 128 + b"DICM")
        slices[0].file_meta.MediaStorageSOPClassUID = slices[0].SOPClassUID
        slices[0].file_meta.MediaStorageSOPInstanceUID = slices[0].SOPInstanceUID
        write_file_meta_info(file, slices[0].file_meta, enforce_standard=True)
        del slices[0].file_meta
        slices[0].save_as(file, implicit_vr=coded.is_implicit_VR, little_endian=True)
    how = "implicit" if coded.is_implicit_VR else "explicit"
    with pytest.raises(RefusedVolume, match=f"names {named.name}, and its elements are coded in {how} VR"):
        read_series([path])


def test_a_text_beside_the_slices_is_left_out_and_an_unknown_file_is_not(tmp_path, ct, slices, save):
    save(slices, tmp_path)
    for name in ("study.json", "README.txt", "DICOMDIR", ".hidden", "lesion_predicted.nii.gz"):
        (tmp_path / name).write_bytes(b"no slice")
    same(read_ct(tmp_path), ct)
    (tmp_path / "IM0004").write_bytes(b"no slice")
    with pytest.raises(RefusedVolume, match="IM0004") as caught:
        read_ct(tmp_path)
    assert caught.value.kind == "unreadable"


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(RefusedVolume, match="holds no") as caught:
        read_ct(tmp_path)
    assert caught.value.kind == "unreadable"
