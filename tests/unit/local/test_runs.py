"""Folders of runs."""

import os

import pytest

from deploy.local.machine.run_folders import LATEST, NEWEST_RUNS, OWNER, is_going_on, new_run, tidy
from segwatch.errors import BadSettings


def test_a_run_that_goes_on_is_not_taken_over(tmp_path):
    new_run("mine", tmp_path)
    with pytest.raises(FileExistsError, match="still going on"):
        new_run("mine", tmp_path)


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(tmp_path):
    folders = [new_run(None, tmp_path) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(is_going_on(folder) for folder in folders)


def test_a_number_that_another_process_has_now_is_no_run(tmp_path):
    folder = new_run("mine", tmp_path)
    (folder / OWNER).write_text(f"{os.getpid()} 1.0")
    assert not is_going_on(folder)


def test_old_runs_are_removed_and_running_ones_stay(tmp_path):
    going_on = new_run("going-on", tmp_path)
    for number in range(NEWEST_RUNS + 3):
        folder = new_run(f"run-{number}", tmp_path)
        (folder / OWNER).unlink()
        os.utime(folder, (number, number))
    left = {folder.name for folder in tmp_path.iterdir() if not folder.is_symlink()}
    assert going_on.name in left
    assert left == {"going-on", *(f"run-{number}" for number in range(3, NEWEST_RUNS + 3))}


def test_the_newest_run_is_linked_as_latest(tmp_path):
    for name in ("first", "second"):
        folder = new_run(name, tmp_path)
        assert (tmp_path / LATEST).resolve() == folder.resolve()


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/tmp/elsewhere", LATEST])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(BadSettings, match="RUN_NAME"):
        new_run(name, tmp_path)


def test_tidying_keeps_logs_picture_and_summary_only(tmp_path):
    kept = [
        "summary.json",
        "quality.png",
        "feeder.log",
        "hospital-a/logs/ingest.log",
        "hospital-a/broker/broker.log",
    ]
    gone = [
        "hospital-a/store/objects/ab/x.b2",
        "hospital-a/inbox/.rejected/one/notes.log",
        "hospital-a/broker/data/t-0/00000000000000000000.log",
        "hospital-a/pseudonym-secret",
        "hospital-a/log.sqlite",
        "story/truth/hospital-a/case-00001.b2m",
    ]
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    tidy(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)
    assert not (tmp_path / "hospital-a" / "store").exists()
