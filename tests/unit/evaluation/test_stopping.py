"""An evaluation that is stopped leaves no process and no report, and goes on where it was."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from segwatch.cohorts.table import Cohort
from tests.support.cohorts import written_cohort

MakeCohort = Callable[..., Cohort]
COMMAND = [sys.executable, "-c", "from segwatch.cli import main; main()", "evaluate"]
PATIENCE_SECONDS = 240


def started(table: Path, out: Path, replicates: int) -> subprocess.Popen[bytes]:
    options = ["--cohort", str(table), "--out", str(out), "--models", "svr", "--workers", "2"]
    return subprocess.Popen([*COMMAND, *options, "--bootstrap", str(replicates)])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def chunks(out: Path) -> list[Path]:
    return list((out / ".unfinished").glob("*.npz"))


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _stop(running: subprocess.Popen[bytes], number: signal.Signals, out: Path) -> None:
    """Send the signal while retrainings run; all of its processes must end."""
    try:
        wait_for(lambda: running.poll() is not None or len(chunks(out)) >= 2)
        assert running.poll() is None, "it ended by itself before it could be stopped"
        parent = psutil.Process(running.pid)
        wait_for(lambda: len(parent.children(recursive=True)) >= 2)
        helpers = parent.children(recursive=True)
        running.send_signal(number)
        assert running.wait(PATIENCE_SECONDS) == (130 if number == signal.SIGINT else -signal.SIGKILL)
        wait_for(lambda: not any(map(alive, helpers)))
    finally:
        running.kill()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed_leaves_no_process_and_goes_on(
    number: signal.Signals, make_cohort: MakeCohort, tmp_path: Path
) -> None:
    table, out = written_cohort(make_cohort(), tmp_path / "cohort.csv"), tmp_path / "report"
    with started(table, out, 20_000) as running:
        _stop(running, number, out)
    assert not (out / "report.json").exists()
    kept = set(chunks(out))
    # Twenty retrainings are two chunks in each way; the first two chunks of the longer run are among them.
    with started(table, out, 20) as again:
        assert again.wait(PATIENCE_SECONDS) == 0
    assert kept
    assert (out / "report.json").is_file()
    assert not (out / ".unfinished").exists()
