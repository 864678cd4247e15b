"""The commands behind `make run`, `make up` and `make down`, on the embedded log."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.machine.folders import ROOT
from deploy.local.machine.loopback_http import is_ok
from tests.support.one_pulse import drop, name_of
from tests.support.streaming import eventually

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SECONDS = 240


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What `make` would pass on."""
    ours = {"LOG": "embedded", "HOSPITALS": "1", "RUN_FOLDER": str(tmp_path), "RUN_NAME": "tested"}
    return {**os.environ, **ours, "COLUMNS": "200"}


def command(name: str, environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", name],
        cwd=ROOT,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


def test_a_short_story_ends_by_itself_with_its_books_in_order(environment, tmp_path):
    ended = command("run", environment, STUDIES="24")
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "No Kafka in this run (LOG=embedded)" in ended.stdout
    assert "a new scanner (sharp) from case-00013 on" in ended.stdout
    folder = tmp_path / "tested"
    summary = json.loads((folder / "summary.json").read_text())
    site = summary["sites"]["hospital-a"]
    assert summary["problems"] == []
    assert (site["studies_in"], site["scored"], site["pulses"]) == (24, 24, 1)
    assert site["change"]["after_studies"] == 12
    assert site["rates"]["mean_true_dice"] > 0
    assert (folder / "quality.png").exists()
    assert not (folder / "hospital-a" / "store").exists()


def test_ctrl_c_leaves_nothing_running(environment):
    run = subprocess.Popen(
        [sys.executable, "-m", "deploy.local", "run"],
        cwd=ROOT,
        env={**environment, "STUDIES": "500"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    with run.stdout as told:
        while "starting" not in told.readline():
            assert run.poll() is None
        started = _children_of(psutil.Process(run.pid))
        run.send_signal(signal.SIGINT)
        assert "nothing is left running" in told.read()
    assert run.wait(60) == 130
    assert gone(started)


def test_a_users_own_case_gets_its_row_and_is_not_changed(environment, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    drop(3, own)
    (own / "notes.txt").write_text("mine")
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    ended = command("run", environment, INPUT=str(own))
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "not recognised, left alone: notes.txt" in ended.stdout
    assert "1 studies are too few for a pulse" in ended.stdout
    assert name_of(3) in ended.stdout
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.fixture
def taken_down(environment) -> Iterator[dict[str, str]]:
    """Whatever is up is ended, however the test ends."""
    yield environment
    command("down", environment)


def test_what_is_up_answers_until_down_ends_it_from_another_shell(taken_down, tmp_path):
    up = command("up", taken_down, STUDIES="0")
    assert up.returncode == 0, up.stdout[-3000:]
    told = json.loads((tmp_path / "up" / "addresses.json").read_text())
    metrics = told["hospital-a"]["scoring metrics"]
    assert metrics in up.stdout
    assert Path(told["hospital-a"]["inbox"]).is_dir()
    assert is_ok(int(metrics.split(":")[2].split("/")[0]), "/metrics")
    holder = psutil.Process(int((tmp_path / "up" / "pid").read_text().split()[0]))
    started = [holder, *holder.children(recursive=True)]
    assert command("down", taken_down).stdout == "Everything has ended.\n"
    assert gone(started)
    assert command("down", taken_down).stdout == "Nothing is up.\n"


def _children_of(parent: psutil.Process) -> list[psutil.Process]:
    """The programs that it has started by now, once there are some."""
    eventually(lambda: len(parent.children(recursive=True)) >= 3, SECONDS)
    return parent.children(recursive=True)
