"""`segwatch onboard`, from made-up folders of nnU-Net's to a bundle that can be loaded, with its evidence."""

import json
import sys
from pathlib import Path

import pytest

from segwatch import cli
from segwatch.cohorts.table import read_cohort
from segwatch.scoring.bundle import load
from tests.support.nnunet_folders import MadeUp, fill, folders_in, paths_of

NAMES = [f"p{number:02d}" for number in range(8)]


def run(monkeypatch: pytest.MonkeyPatch, made: MadeUp, out: Path, *more: str) -> int:
    """The command's exit code."""
    folders = ["--results", str(made.results), "--raw", str(made.raw)]
    usual = ["--out", str(out), "--workers", "1", "--rounds", "1", "--budget", "9h"]
    monkeypatch.setattr(sys, "argv", ["segwatch", "onboard", *folders, *usual, *more])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def made(tmp_path: Path) -> MadeUp:
    folders = folders_in(tmp_path, NAMES)
    fill(folders, NAMES)
    return folders


@pytest.mark.slow
def test_from_validation_masks_to_a_scorer_with_its_evidence(made, tmp_path, monkeypatch, capsys):
    out = tmp_path / "scorer"
    assert run(monkeypatch, made, out, "--plan") == 0
    planned = capsys.readouterr().err
    assert "32 masks will be made and measured: about" in planned
    assert not out.exists()
    unfinished = tmp_path / ".scorer.unfinished"
    assert len(list((unfinished / "rows").iterdir())) == 3  # what said how long it takes is not made again

    assert run(monkeypatch, made, out, "--name", "mine") == 0

    manifest = load(out).manifest
    assert manifest.name == "mine"
    assert manifest.good_masks is not None
    assert manifest.good_masks.truths >= 16  # and damages that changed nothing
    assert any("its networks were not there" in limit for limit in manifest.limits)
    cohort = read_cohort(tmp_path / "scorer.cohort.parquet")
    assert len(cohort) == manifest.cohort.studies + manifest.cohort.left_out_undefined == 32
    evidence = tmp_path / "scorer.evidence"
    report = json.loads((evidence / "report.json").read_text())
    assert report["cohort"]["sets"] == {"damaged": 8, "model": 8, "truth": 16}
    assert report["leave_patient_out"] is True
    page = (evidence / "report.html").read_text()
    assert "What is not shown" in page
    assert "each case was taken for a patient" in page
    assert "data:image/png;base64," in page
    assert not unfinished.exists()
    assert "told were" in capsys.readouterr().err

    assert run(monkeypatch, made, out) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_mask_on_other_voxels_than_its_scan_is_named_before_anything_is_made(
    made, tmp_path, monkeypatch, capsys
):
    from segwatch.phantoms.phantom import make_phantom
    from segwatch.volumes.nifti import write_nifti

    other, mask = make_phantom(1, shape=(10, 48, 48)), paths_of(made, "p03", 1)[2]
    write_nifti(mask, other.lesion, other.geometry)

    assert run(monkeypatch, made, tmp_path / "scorer") == 2

    said = capsys.readouterr().err
    assert f"{mask} does not belong to" in said
    assert "shape" in said
    assert not (tmp_path / ".scorer.unfinished").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--patient-pattern", "p0[0-3]|p"], "fewer than 8"),
        (["--budget", "soon"], "--budget soon"),
        (["--lung", "lung.nii.gz"], "here it is own, lungmask, or a folder"),
        (["--ct-unit", "grey"], "--ct-unit grey"),
        (["--splits", "nowhere.json"], "nowhere.json cannot be read"),
    ],
)
def test_a_wrong_option_is_named(made, tmp_path, monkeypatch, capsys, options, message):
    assert run(monkeypatch, made, tmp_path / "scorer", *options) == 2
    assert message in capsys.readouterr().err


def test_a_budget_that_pays_for_nothing_says_what_would(made, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, made, tmp_path / "scorer", "--budget", "1s") == 2
    assert "do not pay for the masks that there are" in capsys.readouterr().err
