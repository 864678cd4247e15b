"""Measuring files: streamed or read, and in whatever orientation, the numbers are the same."""

import gzip
import itertools
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from segwatch.contracts.base import Geometry
from segwatch.errors import RefusedVolume
from segwatch.features.files import Request, dice_of_files, measure_files, scene_of_files, target_shape
from segwatch.features.measuring import measure_scene
from segwatch.features.profiles import options
from segwatch.features.registry import MEASURED, PAPER4
from segwatch.volumes.image import Volume
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.orientation import affine_of
from tests.support.images import dicom_slices

GEOMETRY = Geometry(
    shape_zyx=(12, 40, 44),
    spacing_zyx_mm=(6.0, 2.0, 1.5),
    origin_xyz_mm=(-30.0, 20.0, 100.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
TURNS = [
    (order, flips)
    for order in itertools.permutations(range(3))
    for flips in [(False, False, False), (True, False, True), (True, True, True)]
]


@pytest.fixture(scope="module")
def case():
    """A CT, a lesion and a lung (z, y, x), lopsided in every direction."""
    rng = np.random.default_rng(3)
    z, y, x = np.ogrid[:12, :40, :44]
    lung = ((z - 6) / 5) ** 2 + ((y - 18) / 15) ** 2 + ((x - 20) / 16) ** 2 < 1
    lesion = ((z - 4) / 3) ** 2 + ((y - 12) / 6) ** 2 + ((x - 25) / 7) ** 2 < 1
    lesion |= ((z - 9) / 2) ** 2 + ((y - 25) / 3) ** 2 + ((x - 10) / 4) ** 2 < 1
    lesion[11, 39, 43] = True
    ct = np.where(lung, -850, 30) + np.where(lesion, 400, 0) + rng.integers(-50, 50, lung.shape)
    return ct.astype(np.int16), lesion, lung


def save(folder, arrays, order=(0, 1, 2), flips=(False, False, False), suffix=".nii.gz"):
    """A case's three files whose axes are permuted and flipped, each with the matrix that says so."""
    paths = []
    for name, array in zip(("ct", "lesion", "lung"), arrays, strict=True):
        values = array.astype(np.uint8) if array.dtype == np.bool_ else array
        turned, affine = turn(values.transpose(2, 1, 0), affine_of(GEOMETRY), order, flips)
        path = folder / f"{name}{suffix}"
        nibabel.save(nibabel.Nifti1Image(turned, np.diag([-1.0, -1, 1, 1]) @ affine), path)
        paths.append(path)
    return Request(*paths)


def turn(array, affine, order, flips):
    change = np.eye(4)
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            change[axis, axis], change[axis, 3] = -1, array.shape[axis] - 1
    affine = affine @ change
    affine[:, :3] = affine[:, list(order)]
    return array.transpose(order), affine


def same(one, other):
    assert one.undefined == other.undefined
    for name, value in one.features.items():
        assert value == pytest.approx(other.features[name], rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize(("order", "flips"), TURNS)
@pytest.mark.parametrize("native", [True, False])
def test_any_orientation_of_the_files_gives_the_same_numbers(tmp_path, case, order, flips, native):
    (tmp_path / "as_it_is").mkdir()
    (tmp_path / "turned").mkdir()
    request = replace(save(tmp_path / "as_it_is", case), native=native)
    turned = replace(save(tmp_path / "turned", case, order, flips), native=native)
    same(measure_files(turned), measure_files(request))


@pytest.mark.parametrize("flips", [(False, False, False), (True, True, False), (False, True, True)])
def test_a_dicom_series_in_any_direction_gives_the_same_numbers(tmp_path, case, flips):
    request = save(tmp_path, case)
    series = tmp_path / "series"
    series.mkdir()
    for number, dataset in enumerate(dicom_slices(Volume(case[0], GEOMETRY), flips=flips)):
        dataset.save_as(series / f"{number}.dcm", enforce_file_format=True)
    same(measure_files(replace(request, ct=series)), measure_files(request))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("features", [PAPER4, MEASURED])
@pytest.mark.parametrize("kind", [np.int16, np.float32, np.int32, ">i2", np.float64])
@pytest.mark.parametrize("profile", ["paper", "authors-code"])
def test_streaming_gives_what_reading_and_resampling_give(tmp_path, case, suffix, features, kind, profile):
    ct = case[0].astype(kind)
    if ct.dtype.kind == "f":
        ct += 0.25
    request = replace(
        save(tmp_path, (ct, *case[1:]), (0, 1, 2), (True, False, True), suffix),
        features=features,
        options=options(profile),
    )
    streamed = measure_scene(scene_of_files(request), request.wanted)
    read = measure_scene(scene_of_files(request, streamed=False), request.wanted)
    assert streamed == read


def test_the_streamed_ct_is_that_of_the_whole_grid_near_the_lesion(tmp_path, case):
    request = replace(save(tmp_path, case), features=PAPER4)
    streamed, read = scene_of_files(request), scene_of_files(request, streamed=False)
    lesion = read.lesion.array != 0
    assert np.array_equal(streamed.ct[lesion], read.ct[lesion])
    assert (streamed.ct != read.ct).any(), "nothing is left out"


def test_the_authors_code_never_enlarges_an_axis():
    assert target_shape((12, 600, 512), options("authors-code")) == (12, 512, 512)
    assert target_shape((12, 600, 512), options("paper")) == (50, 512, 512)


@pytest.mark.parametrize("features", [PAPER4, MEASURED])
def test_a_lesion_between_the_grids_slices_is_no_empty_mask(tmp_path, case, features):
    ct, _, lung = (np.repeat(array, 9, axis=0)[:100] for array in case)
    lesion = np.zeros(ct.shape, np.bool_)
    lesion[[40, 60, 80], 5:10, 5:10] = True  # the grid takes the odd slices of the hundred
    found = measure_files(replace(save(tmp_path, (ct, lesion, lung)), features=features))
    assert found.status == "partly_undefined"
    assert found.undefined["connected_components"].startswith("lost_on_grid: ")
    assert found.features.get("lesion_volume_ml", 1) > 0


def test_native_measures_the_arrays_as_they_are(tmp_path, case):
    scene = scene_of_files(replace(save(tmp_path, case), native=True))
    assert scene.ct.shape == GEOMETRY.shape_zyx
    assert scene.spacing == pytest.approx(GEOMETRY.spacing_zyx_mm)


def test_the_lung_may_be_left_out(tmp_path, case):
    found = measure_files(replace(save(tmp_path, case), lung=None))
    assert found.undefined["lesions_within_lungs"].startswith("no_lung: ")


@pytest.mark.parametrize("unit", ["auto", "display"])
def test_display_values_are_treated_alike_on_every_path(tmp_path, case, unit):
    display = np.random.default_rng(0).integers(0, 256, case[0].shape).astype(np.uint8)
    request = replace(save(tmp_path, (display, *case[1:])), ct_unit=unit)
    streamed = measure_scene(scene_of_files(request), request.wanted)
    assert streamed == measure_scene(scene_of_files(request, streamed=False), request.wanted)
    assert (streamed.features["intensity_mode"] is None) == (unit == "auto")


@pytest.mark.parametrize("which", ["ct", "lesion", "lung"])
def test_a_truncated_file_is_refused_by_name(tmp_path, case, which):
    request = save(tmp_path, case)
    path = getattr(request, which)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(RefusedVolume, match=path.name) as refusal:
        measure_files(request)
    assert refusal.value.kind == "truncated_file"


def test_a_wrong_checksum_is_refused(tmp_path, case):
    request = save(tmp_path, case)
    data = bytearray(request.ct.read_bytes())
    data[-8] ^= 0xFF  # gzip's CRC32, RFC 1952 section 2.3.1
    request.ct.write_bytes(data)
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz"):
        measure_files(request)


def test_what_lies_behind_the_lesion_is_read_unless_the_caller_says_otherwise(tmp_path):
    ct = np.random.default_rng(0).integers(-1000, 300, (60, 96, 96)).astype(np.int16)
    lesion = np.zeros(ct.shape, np.bool_)
    lesion[3:9, 10:30, 10:40] = True
    request = replace(save(tmp_path, (ct, lesion, ~lesion)), features=PAPER4, ct_unit="hu")
    wanted = measure_files(request)
    request.ct.write_bytes(request.ct.read_bytes()[: request.ct.stat().st_size * 4 // 5])
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz"):
        measure_files(request)
    assert measure_files(replace(request, whole=False)) == wanted


@pytest.mark.parametrize(("which", "kind"), [("lesion", "shape_mismatch"), ("lung", "shape_mismatch")])
def test_a_mask_of_another_shape_is_refused(tmp_path, case, which, kind):
    request = save(tmp_path, case)
    path = getattr(request, which)
    image = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj)[:-1], image.affine), path)
    with pytest.raises(RefusedVolume) as refusal:
        measure_files(request)
    assert refusal.value.kind == kind


def test_a_mask_that_lies_elsewhere_is_refused(tmp_path, case):
    request = save(tmp_path, case)
    image = nibabel.load(request.lesion)
    affine = image.affine.copy()
    affine[0, 3] += 3
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), affine), request.lesion)
    with pytest.raises(RefusedVolume) as refusal:
        measure_files(request)
    assert refusal.value.kind == "affine_mismatch"


def test_a_mask_between_labels_is_refused(tmp_path, case):
    ct, lesion, lung = case
    with pytest.raises(RefusedVolume) as refusal:
        measure_files(save(tmp_path, (ct, lesion * np.float32(0.5), lung)))
    assert refusal.value.kind == "not_binary"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("native", [True, False])
def test_a_ct_that_is_not_finite_is_refused_wherever_it_is(tmp_path, case, value, native):
    ct = case[0].astype(np.float32)
    ct[0, 0, 0] = value
    with pytest.raises(RefusedVolume) as refusal:
        measure_files(replace(save(tmp_path, (ct, *case[1:])), native=native))
    assert refusal.value.kind == "not_finite"


@pytest.mark.parametrize("step", [1e-30, 1e25])
@pytest.mark.parametrize("native", [True, False])
def test_a_ct_whose_voxels_are_of_no_size_is_refused_by_name(tmp_path, case, step, native):
    request = save(tmp_path, case)
    for path in (request.ct, request.lesion, request.lung):
        image = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(image.get_fdata(), np.diag([step, 1, 1, 1])), path)
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz: the distance between voxels"):
        measure_files(replace(request, native=native))


def test_an_oblique_ct_is_refused_by_name(tmp_path, case):
    request = save(tmp_path, case)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    for path in (request.ct, request.lesion, request.lung):
        image = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), turned @ image.affine), path)
    with pytest.raises(RefusedVolume, match="tilted") as refusal:
        measure_files(request)
    assert refusal.value.kind == "oblique"


def test_a_files_suffix_may_be_in_capitals(tmp_path, case):
    request = save(tmp_path, case)
    there = measure_files(request)
    loud = {
        name: getattr(request, name).rename(tmp_path / f"{name}.NII.GZ") for name in ("ct", "lesion", "lung")
    }
    same(measure_files(replace(request, **loud)), there)


@pytest.mark.parametrize("native", [True, False])
def test_a_folder_in_a_masks_place_is_refused_as_one(tmp_path, case, native):
    request = save(tmp_path, case)
    with pytest.raises(RefusedVolume, match="it is a folder"):
        measure_files(replace(request, lesion=tmp_path, native=native))


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path, case):
    with pytest.raises(RefusedVolume, match=r"none\.nii\.gz"):
        measure_files(replace(save(tmp_path, case), lesion=tmp_path / "none.nii.gz"))


def test_what_is_no_image_is_refused(tmp_path, case):
    request = save(tmp_path, case)
    request.ct.write_bytes(gzip.compress(b"not an image" * 100))
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz"):
        measure_files(request)


def test_the_dice_of_two_files(tmp_path, case):
    request = save(tmp_path, case)
    assert dice_of_files(request.lesion, request.lesion, LesionLabel()) == 1
    shared = (case[1] & case[2]).sum()
    wanted = 2 * shared / (case[1].sum() + case[2].sum())
    assert dice_of_files(request.lesion, request.lung, LesionLabel()) == pytest.approx(wanted)


def test_the_dice_of_two_empty_masks_is_undefined(tmp_path, case):
    ct, lesion, lung = case
    request = save(tmp_path, (ct, lesion & False, lung & False))
    assert dice_of_files(request.lesion, request.lung, LesionLabel()) is None


def test_real_cases_stream_to_what_reading_gives(covid_cases):
    folder = covid_cases / "radiopaedia_29_86491_1"
    request = Request(
        folder / "ct.nii.gz", folder / "lesion_predicted.nii.gz", folder / "lung.nii.gz", ct_unit="display"
    )
    streamed = measure_scene(scene_of_files(request), request.wanted)
    assert streamed == measure_scene(scene_of_files(request, streamed=False), request.wanted)
    assert streamed.status == "measured"
