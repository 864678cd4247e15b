"""Phantoms as files: case folders, DICOM series and the command that writes them."""

import numpy as np
import pydicom
import pytest
import typer
from typer.testing import CliRunner

from segwatch.errors import BadInput
from segwatch.phantoms import cli
from segwatch.phantoms.dicom import write_dicom_series
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.phantoms.write import write_case
from segwatch.volumes.dicom import read_series
from segwatch.volumes.read import read_ct, read_mask

SMALL = (12, 48, 48)


def test_a_case_is_read_back_as_it_was_made(tmp_path):
    phantom = make_phantom(2, shape=SMALL)
    write_case(phantom, tmp_path / "case")
    ct = read_ct(tmp_path / "case/ct.nii.gz")
    np.testing.assert_array_equal(ct.array, phantom.ct)
    assert ct.geometry.spacing_zyx_mm == pytest.approx(phantom.geometry.spacing_zyx_mm)
    assert ct.geometry.origin_xyz_mm == pytest.approx(phantom.geometry.origin_xyz_mm)
    for name, mask in (("lung", phantom.lung), ("lesion_truth", phantom.lesion)):
        np.testing.assert_array_equal(read_mask(tmp_path / f"case/{name}.nii.gz", ct.geometry).array, mask)


def test_truth_is_left_out_where_it_is_not_wanted(tmp_path):
    write_case(make_phantom(2, shape=SMALL), tmp_path / "case", truth=False)
    assert {path.name for path in (tmp_path / "case").iterdir()} == {"ct.nii.gz", "lung.nii.gz"}


def test_a_case_that_is_there_is_not_overwritten_and_nothing_is_left_behind(tmp_path):
    phantom = make_phantom(2, shape=SMALL)
    write_case(phantom, tmp_path / "case")
    with pytest.raises(OSError, match="not empty"):
        write_case(phantom, tmp_path / "case")
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_dicom_series_is_read_back_with_its_scanner(tmp_path):
    phantom = make_phantom(2, SCANNERS["contrast"], shape=SMALL)
    paths = write_dicom_series(phantom, tmp_path / "series")
    series = read_series(paths)
    np.testing.assert_array_equal(series.volume.array, phantom.ct)
    assert series.volume.geometry.spacing_zyx_mm == pytest.approx(phantom.geometry.spacing_zyx_mm)
    assert series.patient_id == "PHANTOM-2"
    assert series.scanner.kernel == "B40f"
    assert series.scanner.contrast_agent is True
    assert series.scanner.tube_current_ma == 200


def test_a_dicom_file_is_a_ct_image_with_unique_and_lasting_names(tmp_path):
    phantom = make_phantom(2, shape=SMALL)
    first = [pydicom.dcmread(path) for path in write_dicom_series(phantom, tmp_path / "first")]
    again = [pydicom.dcmread(path) for path in write_dicom_series(phantom, tmp_path / "again")]
    assert len({data.SOPInstanceUID for data in first}) == SMALL[0]
    assert [data.SOPInstanceUID for data in first] == [data.SOPInstanceUID for data in again]
    assert len({data.SeriesInstanceUID for data in first}) == 1
    assert first[0].SOPClassUID == pydicom.uid.CTImageStorage
    assert first[0].Modality == "CT"


@pytest.fixture
def app() -> typer.Typer:
    """`phantom` beside another command: typer drops the name of a lone one."""
    made = typer.Typer()
    cli.register(made)
    made.command("other")(lambda: None)
    return made


def test_the_command_writes_cases_under_names_that_say_scanner_and_seed(app, tmp_path):
    asked = ["phantom", "--out", str(tmp_path), "--seed", "5", "--count", "2", "--scanner", "sharp"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phantom_sharp_00005", "phantom_sharp_00006"]
    assert (tmp_path / "phantom_sharp_00005/lesion_truth.nii.gz").is_file()


def test_the_command_writes_dicom_series(app, tmp_path):
    result = CliRunner().invoke(app, ["phantom", "--out", str(tmp_path), "--dicom"])
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "phantom_standard_00000").glob("*.dcm"))) == 32


@pytest.mark.parametrize(
    ("more", "said"), [(["--scanner", "none"], "known are standard"), ([], "exists already")]
)
def test_the_command_refuses_unknown_scanners_and_taken_names(app, tmp_path, more, said):
    (tmp_path / "phantom_standard_00000").mkdir()
    result = CliRunner().invoke(app, ["phantom", "--out", str(tmp_path), *more])
    assert isinstance(result.exception, BadInput)
    assert said in str(result.exception)
