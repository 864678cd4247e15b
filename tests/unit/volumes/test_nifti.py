import contextlib
import gzip
import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segwatch.errors import RefusedVolume
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import read_nifti, write_nifti
from segwatch.volumes.orientation import affine_of
from segwatch.volumes.read import read_ct, read_mask

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
turns = st.tuples(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))


def as_file(path: Path, volume: Volume, order=(0, 1, 2), flips=(False,) * 3, **header) -> Path:
    """The volume in a file whose axes are permuted and flipped, with the matching affine."""
    array = volume.array.transpose(2, 1, 0)
    turn = np.eye(4)
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            turn[axis, axis], turn[axis, 3] = -1, array.shape[axis] - 1
    swap = np.eye(4)
    swap[:3, :3] = np.eye(3)[:, list(order)]
    image = nibabel.Nifti1Image(array.transpose(order), LPS @ affine_of(volume.geometry) @ turn @ swap)
    image.set_sform(image.affine, code=1)
    image.set_qform(image.affine, code=1)
    for field, value in header.items():
        image.header[field] = value
    path.write_bytes(gzip.compress(image.to_bytes()) if path.suffix == ".gz" else image.to_bytes())
    return path


def kind_of(path: Path) -> str:
    with pytest.raises(RefusedVolume) as caught:
        read_ct(path)
    assert path.name in str(caught.value)
    assert str(path.parent) not in str(caught.value)
    return caught.value.kind


def patched(path: Path, at: int, data: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)
    return path


def same(one: Volume, other: Volume) -> None:
    np.testing.assert_array_equal(one.array, other.array)
    assert one.array.dtype == other.array.dtype
    for field in ("spacing_zyx_mm", "origin_xyz_mm", "direction"):
        np.testing.assert_allclose(getattr(one.geometry, field), getattr(other.geometry, field), atol=1e-4)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns)
def test_however_a_file_is_turned_and_flipped_the_canonical_array_is_the_same(tmp_path, ct, turn):
    same(read_ct(as_file(tmp_path / "ct.nii.gz", ct, *turn)), ct)


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, ct: Volume, name: str):
    write_nifti(tmp_path / name, ct.array, ct.geometry)
    same(read_ct(tmp_path / name), ct)


def test_others_read_what_is_written(tmp_path: Path, ct: Volume):
    write_nifti(tmp_path / "ct.nii.gz", ct.array, ct.geometry)
    image = nibabel.load(tmp_path / "ct.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
    np.testing.assert_array_equal(np.asarray(image.dataobj), ct.array.transpose(2, 1, 0))
    np.testing.assert_allclose(image.header.get_zooms(), (0.5, 0.75, 2.5))
    np.testing.assert_allclose(LPS @ image.affine, affine_of(ct.geometry))


def test_the_same_array_gives_the_same_file(tmp_path: Path, ct: Volume):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, ct.array, ct.geometry)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int32", "float32", "float64", ">i2", ">f4"])
def test_whole_values_become_int16_whatever_the_file_holds(tmp_path: Path, ct: Volume, dtype: str):
    values = np.abs(ct.array + 900).astype(np.int16)
    whole = Volume(values, ct.geometry)
    path = as_file(tmp_path / "ct.nii", Volume(values.astype(dtype), ct.geometry))
    same(read_ct(path), whole)


def test_fractions_and_large_values_become_float32(tmp_path: Path, ct: Volume):
    for values in (ct.array + np.float32(0.5), ct.array.astype(np.int32) * 100):
        read = read_ct(as_file(tmp_path / "ct.nii", Volume(values, ct.geometry)))
        assert read.array.dtype == np.float32
        np.testing.assert_array_equal(read.array, values.astype(np.float32))


@pytest.mark.parametrize("order", ["little", "big"])
def test_slope_and_intercept_are_applied(tmp_path: Path, ct: Volume, order: str):
    stored = Volume((ct.array.astype(np.int32) + 1024).astype(np.uint16), ct.geometry)
    path = as_file(tmp_path / "ct.nii", stored, scl_slope=1, scl_inter=-1024)
    if order == "big":
        image = nibabel.load(path)
        path.write_bytes(nibabel.Nifti1Image(stored.array.transpose(2, 1, 0), None,
                         image.header.as_byteswapped(">")).to_bytes())  # fmt: skip
        content = bytearray(path.read_bytes())
        content[112:120] = np.array([1, -1024], ">f4").tobytes()
        path.write_bytes(content)
    same(read_ct(path), ct)


def test_nifti_2_is_read(tmp_path: Path, ct: Volume):
    image = nibabel.Nifti2Image(ct.array.transpose(2, 1, 0), LPS @ affine_of(ct.geometry))
    (tmp_path / "ct.nii").write_bytes(image.to_bytes())
    same(read_ct(tmp_path / "ct.nii"), ct)


@pytest.mark.parametrize("unit", [("meter", 0.001), ("micron", 1000.0)])
def test_other_units_of_length_become_millimetres(tmp_path: Path, ct: Volume, unit):
    affine = np.diag([unit[1]] * 3 + [1.0]) @ LPS @ affine_of(ct.geometry)
    image = nibabel.Nifti1Image(ct.array.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units(unit[0])
    (tmp_path / "ct.nii").write_bytes(image.to_bytes())
    same(read_ct(tmp_path / "ct.nii"), ct)


@pytest.mark.parametrize(("sform", "qform"), [(1, 0), (0, 1)])
def test_either_form_alone_is_enough(tmp_path: Path, ct: Volume, sform: int, qform: int):
    same(read_ct(as_file(tmp_path / "ct.nii", ct, sform_code=sform, qform_code=qform)), ct)


def test_a_file_with_neither_form_is_refused(tmp_path: Path, ct: Volume):
    assert kind_of(patched(as_file(tmp_path / "ct.nii", ct), 252, bytes(4))) == "no_affine"


def test_forms_that_disagree_are_refused(tmp_path: Path, ct: Volume):
    assert kind_of(as_file(tmp_path / "ct.nii", ct, qoffset_x=9.0)) == "ambiguous_affine"


def test_one_frame_of_a_fourth_axis_is_read_and_two_are_refused(tmp_path: Path, ct: Volume):
    affine = LPS @ affine_of(ct.geometry)
    array = ct.array.transpose(2, 1, 0)[..., None]
    for frames in (1, 2):
        image = nibabel.Nifti1Image(np.repeat(array, frames, axis=3), affine)
        (tmp_path / f"{frames}.nii").write_bytes(image.to_bytes())
    same(read_ct(tmp_path / "1.nii"), ct)
    assert kind_of(tmp_path / "2.nii") == "not_three_dimensional"


def test_a_single_slice_is_read(tmp_path: Path, ct: Volume):
    geometry = ct.geometry.model_copy(update={"shape_zyx": (1, 4, 5)})
    single = Volume(ct.array[:1], geometry)
    same(read_ct(as_file(tmp_path / "ct.nii", single)), single)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
def test_a_truncated_gzip_is_refused_by_name(tmp_path, ct, share):
    path = as_file(tmp_path / "ct.nii.gz", ct)
    content = path.read_bytes()
    path.write_bytes(content[: max(2, int(len(content) * share))])
    assert kind_of(path) == "truncated_file"


def test_a_gzip_with_a_wrong_checksum_is_refused(tmp_path: Path, ct: Volume):
    path = as_file(tmp_path / "ct.nii.gz", ct)
    assert kind_of(patched(path, len(path.read_bytes()) - 8, b"\1\2\3\4")) == "truncated_file"


def test_a_truncated_plain_file_is_refused(tmp_path: Path, ct: Volume):
    path = as_file(tmp_path / "ct.nii", ct)
    for kept in (0, 100, 348, 360, len(path.read_bytes()) - 1):
        short = tmp_path / "short.nii"
        short.write_bytes(path.read_bytes()[:kept])
        assert kind_of(short) in {"truncated_file", "unreadable"}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_refused(tmp_path: Path, ct: Volume, bad: float):
    array = ct.array.astype(np.float32)
    array[1, 2, 3] = bad
    assert kind_of(as_file(tmp_path / "ct.nii", Volume(array, ct.geometry))) == "not_finite"


def test_values_beyond_float32_are_refused(tmp_path: Path, ct: Volume):
    array = ct.array.astype(np.float64)
    array[1, 2, 3] = 1e300
    assert kind_of(as_file(tmp_path / "ct.nii", Volume(array, ct.geometry))) == "not_finite"


@pytest.mark.parametrize("axis", range(3))
def test_zero_spacing_is_refused(tmp_path: Path, ct: Volume, axis: int):
    image = nibabel.load(as_file(tmp_path / "ct.nii", ct))
    rows = image.header.get_sform()
    rows[:3, axis] = 0
    for row, field in enumerate(("srow_x", "srow_y", "srow_z")):
        image.header[field] = rows[row]
    image.header["qform_code"] = 0
    path = patched(tmp_path / "ct.nii", 0, image.header.binaryblock)
    assert kind_of(path) == "bad_spacing"


def tilted(ct: Volume, degrees: float, axis: int) -> np.ndarray:
    a, b = [i for i in range(3) if i != axis]
    turn = np.eye(4)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return LPS @ turn @ affine_of(ct.geometry)


@pytest.mark.parametrize("axis", range(3))
def test_a_small_tilt_is_kept_and_a_larger_one_refused(tmp_path: Path, ct: Volume, axis: int):
    for degrees in (4.9, 5.1, 30.0, 45.0):
        image = nibabel.Nifti1Image(ct.array.transpose(2, 1, 0), tilted(ct, degrees, axis))
        (tmp_path / f"{degrees}.nii").write_bytes(image.to_bytes())
    read = read_ct(tmp_path / "4.9.nii")
    np.testing.assert_array_equal(read.array, ct.array)
    np.testing.assert_allclose(LPS @ affine_of(read.geometry), tilted(ct, 4.9, axis), atol=1e-3)
    assert {kind_of(tmp_path / f"{degrees}.nii") for degrees in (5.1, 30.0, 45.0)} == {"oblique"}


def test_sheared_axes_are_refused(tmp_path: Path, ct: Volume):
    affine = LPS @ affine_of(ct.geometry)
    affine[1, 2] += 0.2
    image = nibabel.Nifti1Image(ct.array.transpose(2, 1, 0), affine)
    image.set_qform(None, code=0)
    (tmp_path / "ct.nii").write_bytes(image.to_bytes())
    assert kind_of(tmp_path / "ct.nii") == "sheared"


def test_more_voxels_than_a_ct_has_are_refused_before_memory_is_taken(tmp_path: Path, ct: Volume):
    path = as_file(tmp_path / "ct.nii", ct)
    huge = patched(path, 40, np.array([3, 32767, 32767, 32767], "<i2").tobytes())
    assert kind_of(huge) == "too_large"


@pytest.mark.parametrize("dim", [[0] * 4, [3, 0, 4, 5], [3, -1, 4, 5], [9, 4, 4, 4], [1, 4, 1, 1]])
def test_an_impossible_shape_is_refused(tmp_path: Path, ct: Volume, dim: list[int]):
    path = patched(as_file(tmp_path / "ct.nii", ct), 40, np.array(dim, "<i2").tobytes())
    assert kind_of(path) in {"unreadable", "not_three_dimensional"}


@pytest.mark.parametrize("code", [0, 1, 32, 128, 1536, 9999])
def test_voxels_that_are_not_plain_numbers_are_refused(tmp_path: Path, ct: Volume, code: int):
    assert kind_of(patched(as_file(tmp_path / "ct.nii", ct), 70, np.int16(code).tobytes())) == "unreadable"


def test_a_broken_offset_or_slope_is_refused(tmp_path: Path, ct: Volume):
    for at, value in ((108, -1.0), (108, 1e30), (108, np.nan), (116, np.inf)):
        assert (
            kind_of(patched(as_file(tmp_path / "ct.nii", ct), at, np.float32(value).tobytes()))
            == "unreadable"
        )


def test_a_pair_of_files_is_refused(tmp_path: Path, ct: Volume):
    assert kind_of(patched(as_file(tmp_path / "ct.nii", ct), 344, b"ni1\0")) == "unreadable"


def test_a_file_that_is_no_nifti_or_not_there_is_refused(tmp_path: Path):
    (tmp_path / "text.nii").write_bytes(b"not an image " * 100)
    (tmp_path / "text.nii.gz").write_bytes(gzip.compress(b"not an image " * 100))
    for name in ("text.nii", "text.nii.gz", "absent.nii.gz"):
        assert kind_of(tmp_path / name) == "unreadable"


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_a_header_is_refused_or_read_and_nothing_else(tmp_path, ct, data):
    path = as_file(tmp_path / "ct.nii", ct)
    for _ in range(data.draw(st.integers(1, 4))):
        patched(path, data.draw(st.integers(0, 351)), data.draw(st.binary(min_size=1, max_size=4)))
    with contextlib.suppress(RefusedVolume):
        read_nifti(path)


class TestMasks:
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(turns)
    def test_however_a_mask_is_turned_it_lies_on_its_ct(self, tmp_path, ct, turn):
        labels = Volume((ct.array % 3).astype(np.uint8), ct.geometry)
        mask = read_mask(as_file(tmp_path / "m.nii.gz", labels, *turn), ct.geometry)
        np.testing.assert_array_equal(mask.array, labels.array > 0)
        assert mask.array.dtype == np.bool_
        assert mask.geometry == ct.geometry

    def refused(self, path: Path, ct: Volume) -> str:
        with pytest.raises(RefusedVolume, match=path.name) as caught:
            read_mask(path, ct.geometry)
        return caught.value.kind

    def test_an_empty_mask_is_a_mask(self, tmp_path: Path, ct: Volume):
        path = as_file(tmp_path / "m.nii", Volume(np.zeros_like(ct.array), ct.geometry))
        assert not read_mask(path, ct.geometry).array.any()

    def test_whole_labels_in_floats_are_a_mask(self, tmp_path: Path, ct: Volume):
        labels = Volume((ct.array % 2).astype(np.float32), ct.geometry)
        assert read_mask(as_file(tmp_path / "m.nii", labels), ct.geometry).array.any()

    def test_values_between_labels_are_refused(self, tmp_path: Path, ct: Volume):
        shares = Volume(np.full(ct.array.shape, 0.5, np.float32), ct.geometry)
        assert self.refused(as_file(tmp_path / "m.nii", shares), ct) == "not_binary"

    def test_negative_labels_are_refused(self, tmp_path: Path, ct: Volume):
        assert self.refused(as_file(tmp_path / "m.nii", ct), ct) == "not_binary"

    def test_another_shape_is_refused(self, tmp_path: Path, ct: Volume):
        geometry = ct.geometry.model_copy(update={"shape_zyx": (2, 4, 5)})
        smaller = Volume(np.ones((2, 4, 5), np.uint8), geometry)
        assert self.refused(as_file(tmp_path / "m.nii", smaller), ct) == "shape_mismatch"

    @pytest.mark.parametrize(
        "change",
        [{"origin_xyz_mm": (-120.5, 30.25, 1001.5)}, {"spacing_zyx_mm": (2.5, 1.5, 0.5)}],
    )
    def test_another_place_is_refused(self, tmp_path: Path, ct: Volume, change):
        moved = Volume(np.ones(ct.array.shape, np.uint8), ct.geometry.model_copy(update=change))
        assert self.refused(as_file(tmp_path / "m.nii", moved), ct) == "affine_mismatch"

    def test_rounded_headers_are_the_same_place(self, tmp_path: Path, ct: Volume):
        near = ct.geometry.model_copy(update={"origin_xyz_mm": (-120.51, 30.25, 1000.01)})
        path = as_file(tmp_path / "m.nii", Volume(np.ones(ct.array.shape, np.uint8), near))
        assert read_mask(path, ct.geometry).geometry == ct.geometry

    def test_a_mask_that_is_not_there_is_refused(self, tmp_path: Path, ct: Volume):
        assert self.refused(tmp_path / "m.nii", ct) == "unreadable"


def test_all_turns_of_a_mask_and_its_ct_agree_voxel_by_voxel(tmp_path: Path, ct: Volume):
    labels = Volume((ct.array > -970).astype(np.uint8), ct.geometry)
    for order, flips in itertools.product(itertools.permutations(range(3)), [(True, False, True)]):
        turned = read_ct(as_file(tmp_path / "ct.nii", ct, order, flips))
        mask = read_mask(as_file(tmp_path / "m.nii", labels), turned.geometry)
        np.testing.assert_array_equal(mask.array, turned.array > -970)
