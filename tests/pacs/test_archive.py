"""An Orthanc as the hospital's archive: it sends, is asked, and old examinations are brought from it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.pacs.conftest import Ingest
from tests.support.dicom_masks import segmentation
from tests.support.ingest_process import ROOT
from tests.support.pacs import Archive, dcmtk, examination

SEGWATCH = str(Path(sys.executable).with_name("segwatch"))
DAYS = {"move": "20250301", "get": "20250302", "web": "20250303"}


def _backfill(
    ingest: Ingest, archive: Archive, folder: Path, how: str, *more: str
) -> "subprocess.CompletedProcess[str]":
    day = DAYS[how]
    said = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    door = {
        "move": [],
        "get": ["--door", f"127.0.0.1:{ingest.dicom}"],
        "web": ["--door", f"http://127.0.0.1:{ingest.stow}"],
    }
    command = [SEGWATCH, "intake", "backfill", "--how", how]
    command += ["--from", said, "--to", said, "--archive", archive.web if how == "web" else archive.peer]
    command += [*door[how], "--per-hour", "36000", "--state", str(folder), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def _archived(ingest: Ingest, archive: Archive, folder: Path, how: str) -> list[list[Dataset]]:
    """Three examinations of one day in the archive."""
    each = [examination(next(ingest.seeds), 12, DAYS[how]) for _ in range(3)]
    for slices in each:
        archive.store(slices, folder)
    return each


def test_what_the_archive_forwards_is_one_study(ingest: Ingest, archive: Archive, tmp_path: Path) -> None:
    slices = examination(next(ingest.seeds))
    archive.store(slices, tmp_path)
    archive.send(slices, to="live")
    study = ingest.wait_for(slices)
    assert (study.geometry.shape_zyx[0], study.arrival) == (24, None)


def test_a_mask_that_the_archive_forwards_after_its_ct_makes_a_version_with_it(
    ingest: Ingest, archive: Archive, tmp_path: Path
) -> None:
    slices = examination(next(ingest.seeds))
    archive.store(slices, tmp_path)
    archive.send(slices, to="live")
    first = ingest.wait_for(slices)
    ingest.rest()
    lesion = np.zeros(first.geometry.shape_zyx, np.bool_)
    lesion[8:14, 20:40, 10:30] = True
    archive.store([segmentation(slices, {"lesion": lesion}, first.geometry)], tmp_path)
    archive.send(slices, to="live")
    second = ingest.wait_for(slices, versions=2)
    assert (first.lesion, second.ct) == (None, first.ct)
    assert second.lesion is not None


def test_what_somebody_has_moved_here_by_hand_is_one_study(
    ingest: Ingest, archive: Archive, tmp_path: Path
) -> None:
    slices = examination(next(ingest.seeds))
    archive.store(slices, tmp_path)
    uid = f"StudyInstanceUID={slices[0].StudyInstanceUID}"
    asked = [
        "-aec",
        "ORTHANC",
        "-S",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        uid,
        "127.0.0.1",
        str(archive.port),
    ]
    found = subprocess.run([dcmtk("findscu"), *asked], capture_output=True, text=True, timeout=60, check=True)
    assert slices[0].StudyInstanceUID in found.stdout + found.stderr
    subprocess.run([dcmtk("movescu"), "-aem", "SEGWATCH", *asked], timeout=60, check=True)
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24


@pytest.mark.parametrize("how", list(DAYS))
def test_old_examinations_are_brought_once_and_what_came_live_is_not_doubled(
    ingest: Ingest, archive: Archive, tmp_path: Path, how: str
) -> None:
    live, *others = _archived(ingest, archive, tmp_path, how)
    ingest.scanner().send(live)
    ingest.wait_for(live)
    ingest.rest()
    brought = _backfill(ingest, archive, tmp_path / "state", how)
    assert brought.returncode == 0, brought.stderr
    assert "3 examinations, 0 did not come" in brought.stdout
    for slices in others:
        study = ingest.wait_for(slices)
        assert study.geometry.shape_zyx[0] == 12
        assert study.arrival is not None
        assert study.arrival.acquired_at is not None
        assert f"{study.arrival.acquired_at:%Y%m%d}" == DAYS[how]
    again = _backfill(ingest, archive, tmp_path / "state", how)
    assert again.stdout.count("brought before") == 3
    anew = _backfill(ingest, archive, tmp_path / "another", how)
    assert anew.returncode == 0
    ingest.rest()
    assert [len(ingest.announced(slices)) for slices in (live, *others)] == [1, 1, 1]


def test_a_run_that_was_stopped_goes_on_where_it_was(
    ingest: Ingest, archive: Archive, tmp_path: Path
) -> None:
    DAYS["stopped"] = "20250304"
    each = _archived(ingest, archive, tmp_path, "stopped")
    command = [SEGWATCH, "intake", "backfill", "--how", "move", "--per-hour", "240"]
    command += ["--from", "2025-03-04", "--to", "2025-03-04", "--archive", archive.peer]
    command += ["--state", str(tmp_path / "state"), "--trial"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("1 ")
        running.kill()
    rest = subprocess.run(
        [*command, "--per-hour", "36000"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert rest.stdout.count("brought before") == 1
    assert "3 examinations, 0 did not come" in rest.stdout
    for slices in each:
        study = ingest.wait_for(slices)
        assert study.arrival is not None
        assert study.arrival.trial


def test_an_archive_that_is_away_is_said_and_nothing_is_lost(
    ingest: Ingest, archive: Archive, tmp_path: Path
) -> None:
    away = Archive("ORTHANC@127.0.0.1:1", "http://127.0.0.1:1", archive.rest, 1)
    failed = _backfill(ingest, away, tmp_path / "state", "move")
    assert failed.returncode != 0
    assert "does not answer" in failed.stderr
