"""A hospital's mask is the same on its CT's voxels, however DICOM carries it."""

import numpy as np
import pydicom
import pytest
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRBigEndian, RLELossless, generate_uid

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.header import mask_file
from segwatch.dicom_masks.joining import Wish, lesion_among, masks_of
from segwatch.errors import RefusedVolume
from segwatch.volumes.dicom import read_series
from segwatch.volumes.image import Volume
from segwatch.volumes.labels import LesionLabel
from tests.support.dicom_masks import contours, saved, segmentation
from tests.support.images import dicom_slices, save_all

GEOMETRY = Geometry(
    shape_zyx=(6, 24, 20),
    spacing_zyx_mm=(2.5, 0.75, 0.5),
    origin_xyz_mm=(-120.5, 30.25, 1000.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
CT = Volume(np.zeros(GEOMETRY.shape_zyx, np.int16), GEOMETRY)


def ball(at, radius):
    z, y, x = np.mgrid[:6, :24, :20]
    return (2 * (z - at[0])) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < radius**2


LESION = ball((2, 9, 7), 6) & ~ball((2, 9, 7), 2.5) | ball((4, 18, 15), 3)
"""Two, and one has a hole; nothing of it is the same from another side."""
LUNG = ball((2, 9, 7), 9)


@pytest.fixture(scope="module")
def slices():
    return dicom_slices(CT)


def read(path, said="", threshold=0.5, like=GEOMETRY):
    found = mask_file(path)
    assert found is not None
    return lesion_among([found], like, Wish(LesionLabel(said), threshold))


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize(
    ("turn", "flip"),
    [((0, 1, 2), ()), ((0, 1, 2), (0,)), ((0, 1, 2), (1, 2)), ((2, 0, 1), ()), ((1, 2, 0), (0, 2))],
)
@pytest.mark.parametrize("omit", [True, False], ids=["frames left out", "all frames"])
def test_a_segmentation_is_the_mask_whatever_its_kind_and_orientation(
    tmp_path, slices, kind, turn, flip, omit
):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY, kind, turn, flip, omit_empty_frames=omit)
    np.testing.assert_array_equal(read(saved(made, tmp_path / "m.dcm")), LESION)


def test_a_compressed_segmentation_is_read(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY, "LABELMAP", transfer_syntax_uid=RLELossless)
    np.testing.assert_array_equal(read(saved(made, tmp_path / "m.dcm")), LESION)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_segmentation_in_big_endian_is_read(tmp_path, slices, kind):
    path = saved(segmentation(slices, {"lesion": LESION}, GEOMETRY, kind), tmp_path / "m.dcm")
    turned = tmp_path / "turned.dcm"
    in_big_endian(path, turned)
    np.testing.assert_array_equal(read(turned), LESION)


def in_big_endian(path, target):
    """As dcmtk's dcmconv writes it: words of two bytes the other way round, single bytes as they are."""
    data = pydicom.dcmread(path)
    for element in data.iterall():
        if element.keyword == "PixelData" and element.VR == "OW":
            element.value = np.frombuffer(element.value, "<u2").astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    with target.open("wb") as file:
        file.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(file, data.file_meta)
        turned = DicomFileLike(file)
        turned.is_little_endian, turned.is_implicit_VR = False, False
        write_dataset(turned, data)


def test_a_segmentation_that_does_not_say_where_its_frames_lie_is_refused(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY)
    for frame in made.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence
    with pytest.raises(RefusedVolume, match="where its frames lie") as caught:
        read(saved(made, tmp_path / "m.dcm"))
    assert caught.value.kind == "no_affine"


def test_a_segmentation_that_ends_before_its_frames_is_truncated(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY)
    del made.PixelData
    with pytest.raises(RefusedVolume, match="send it again") as caught:
        read(saved(made, tmp_path / "m.dcm"))
    assert caught.value.kind == "truncated_file"


def test_a_segmentation_of_more_pixels_than_its_header_speaks_of_is_refused(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY)
    made.Rows //= 2
    with pytest.raises(RefusedVolume, match="rows, columns or frames are wrong"):
        read(saved(made, tmp_path / "m.dcm"))


def test_the_order_of_frames_says_nothing(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY, "FRACTIONAL")
    size = len(made.PixelData) // int(made.NumberOfFrames)
    frames = [made.PixelData[at : at + size] for at in range(0, len(made.PixelData), size)]
    order = np.random.default_rng(0).permutation(len(frames))
    made.PixelData = b"".join(frames[k] for k in order)
    made.PerFrameFunctionalGroupsSequence = [made.PerFrameFunctionalGroupsSequence[k] for k in order]
    np.testing.assert_array_equal(read(saved(made, tmp_path / "m.dcm")), LESION)


def test_a_fractional_segmentation_counts_from_the_threshold_on(tmp_path, slices):
    path = saved(segmentation(slices, {"lesion": LESION * 0.4}, GEOMETRY, "FRACTIONAL"), tmp_path / "m.dcm")
    assert not read(path).any()
    np.testing.assert_array_equal(read(path, threshold=0.3), LESION)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("said", ["2", "infection", "INFECTION", "Lesion", codes.SCT.Lesion.value])
def test_a_segment_is_chosen_by_number_label_or_property(tmp_path, slices, kind, said):
    masks = {"left lung": LUNG & ~LESION, "infection": LESION}
    path = saved(segmentation(slices, masks, GEOMETRY, kind), tmp_path / "m.dcm")
    np.testing.assert_array_equal(read(path, said), LESION)
    np.testing.assert_array_equal(read(path, "any"), LESION | LUNG)


@pytest.mark.parametrize(
    ("said", "kind"), [("", "several_labels"), ("tumour", "no_such_label"), ("7", "no_such_label")]
)
def test_several_segments_and_no_good_word_on_them_are_refused_by_name(tmp_path, slices, said, kind):
    masks = {"left lung": LUNG & ~LESION, "infection": LESION}
    for made in (segmentation(slices, masks, GEOMETRY), contours(slices, masks, GEOMETRY)):
        with pytest.raises(RefusedVolume, match=r"left lung \(1\), infection \(2\)") as caught:
            read(saved(made, tmp_path / "m.dcm"), said)
        assert caught.value.kind == kind


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_contours_enclose_the_mask_with_its_holes_in_any_plane(tmp_path, slices, axis, kind):
    path = saved(contours(slices, {"lesion": LESION}, GEOMETRY, kind, axis), tmp_path / "m.dcm")
    np.testing.assert_array_equal(read(path), LESION)


def test_a_region_is_chosen_by_its_name(tmp_path, slices):
    path = saved(contours(slices, {"lung": LUNG, "GTV": LESION}, GEOMETRY), tmp_path / "m.dcm")
    np.testing.assert_array_equal(read(path, "gtv"), LESION)
    np.testing.assert_array_equal(read(path, "2"), LESION)


def test_contours_along_voxel_centres_a_line_and_a_point_count_what_they_touch(tmp_path, slices):
    mask = np.zeros(GEOMETRY.shape_zyx, np.bool_)
    mask[1, 5:9, 4:8] = mask[2, 3, 4:7] = mask[3, 6, 6] = True
    made = contours(slices, {"lesion": np.zeros_like(mask)}, GEOMETRY)
    corners = [(1, [(4, 5), (7, 5), (7, 8), (4, 8)]), (2, [(4, 3), (6, 3)]), (3, [(6, 6)])]
    for z, points in corners:
        one = type(made)()
        one.ContourGeometricType = "CLOSED_PLANAR"
        one.ContourData = [
            v for x, y in points for v in (-120.5 + 0.5 * x, 30.25 + 0.75 * y, 1000.0 + 2.5 * z)
        ]
        made.ROIContourSequence[0].ContourSequence.append(one)
    np.testing.assert_array_equal(read(saved(made, tmp_path / "m.dcm")), mask)


def test_a_keyhole_leaves_its_hole_out(tmp_path, slices):
    made = contours(slices, {"lesion": np.zeros(GEOMETRY.shape_zyx, np.bool_)}, GEOMETRY)
    ring = [
        (2, 2),
        (12, 2),
        (12, 12),
        (2, 12),
        (2, 7),
        (5, 7),
        (5, 9),
        (9, 9),
        (9, 5),
        (5, 5),
        (5, 7),
        (2, 7),
    ]
    one = type(made)()
    one.ContourGeometricType = "CLOSED_PLANAR"
    one.ContourData = [v for x, y in ring for v in (-120.5 + 0.5 * x, 30.25 + 0.75 * y, 1000.0)]
    made.ROIContourSequence[0].ContourSequence.append(one)
    found = read(saved(made, tmp_path / "m.dcm"))[0]
    assert found[2:13, 2:13].sum() == 121 - 9
    assert not found[6:9, 6:9].any()


@pytest.mark.parametrize("make", [segmentation, contours])
@pytest.mark.parametrize(
    "other",
    [
        {"origin_xyz_mm": (-120.5, 30.25, 1001.25)},
        {"origin_xyz_mm": (-120.2, 30.25, 1000.0)},
        {"origin_xyz_mm": (-70.5, 30.25, 1000.0)},
    ],
)
def test_a_mask_of_another_place_is_refused(tmp_path, slices, make, other):
    if make is contours and other["origin_xyz_mm"][0] == -120.2:
        pytest.skip("contours are not bound to voxels within their plane")
    path = saved(make(slices, {"lesion": LESION}, GEOMETRY), tmp_path / "m.dcm")
    with pytest.raises(RefusedVolume) as caught:
        read(path, like=GEOMETRY.model_copy(update=other))
    assert caught.value.kind == "affine_mismatch"


@pytest.mark.parametrize("make", [segmentation, contours])
def test_a_mask_is_found_by_the_series_that_it_refers_to(tmp_path, slices, make):
    path = saved(make(slices, {"lesion": LESION}, GEOMETRY), tmp_path / "m.dcm")
    series = str(slices[0].SeriesInstanceUID)
    assert [each.path for each in masks_of([path], series, frozenset())] == [path]
    assert masks_of([path], generate_uid(), frozenset()) == []


def test_a_segmentation_without_series_is_found_by_its_images(tmp_path, slices):
    made = segmentation(slices, {"lesion": LESION}, GEOMETRY)
    del made.ReferencedSeriesSequence
    path = saved(made, tmp_path / "m.dcm")
    ours = frozenset(str(each.SOPInstanceUID) for each in slices)
    assert masks_of([path], "1.2.3", ours)
    assert not masks_of([path], "1.2.3", frozenset({"1.2"}))


def test_contours_without_series_are_found_by_their_images(tmp_path, slices):
    made = contours(slices, {"lesion": LESION}, GEOMETRY)
    del made.ReferencedFrameOfReferenceSequence
    image = pydicom.Dataset()
    image.ReferencedSOPInstanceUID = slices[2].SOPInstanceUID
    for contour in made.ROIContourSequence[0].ContourSequence:
        contour.ContourImageSequence = [image]
    path = saved(made, tmp_path / "m.dcm")
    assert masks_of([path], "1.2.3", frozenset({str(slices[2].SOPInstanceUID)}))
    assert not masks_of([path], "1.2.3", frozenset({"1.2"}))


def test_a_ct_carries_no_mask(tmp_path, slices):
    assert all(mask_file(path) is None for path in save_all(slices, tmp_path / "ct"))


def test_the_newest_mask_that_has_the_label_counts(tmp_path, slices):
    old = segmentation(slices, {"lesion": LESION & ~LUNG}, GEOMETRY)
    new = segmentation(slices, {"lesion": LESION}, GEOMETRY)
    lung = segmentation(slices, {"lung": LUNG}, GEOMETRY)
    for day, made in enumerate((old, new, lung), 1):
        made.ContentDate = f"2026010{day}"
    paths = [saved(made, tmp_path / f"{k}.dcm") for k, made in enumerate((lung, new, old))]
    found = masks_of(paths, str(slices[0].SeriesInstanceUID), frozenset())
    np.testing.assert_array_equal(lesion_among(found, GEOMETRY, Wish(LesionLabel("lesion"))), LESION)


@pytest.mark.parametrize("make", [segmentation, contours])
@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_damaged_mask_is_refused_by_name(tmp_path, slices, make, damage):
    path = saved(make(slices, {"lesion": LESION}, GEOMETRY), tmp_path / "m.dcm")
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) * 2 // 3] if damage == "cut" else b"nothing")
    with pytest.raises(RefusedVolume, match=r"m\.dcm"):
        read(path)


def test_the_series_and_its_masks_lie_on_the_same_voxels(tmp_path, slices):
    files = save_all(slices, tmp_path / "ct")
    path = saved(segmentation(slices, {"lesion": LESION}, GEOMETRY), tmp_path / "m.dcm")
    assert read(path, like=read_series(files).volume.geometry).sum() == LESION.sum()
