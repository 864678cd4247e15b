"""A small run under faults, as `make faults` makes large ones, and its end by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from deploy.local.machine import jars
from deploy.local.machine.folders import ROOT

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(900)]
NUMBERS = {
    "studies",
    "faults",
    "lost",
    "doubled",
    "blocks_changed",
    "recovery_median_s",
    "recovery_worst_s",
}


@pytest.fixture(scope="module", autouse=True)
def _a_broker_can_run() -> None:
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.faults", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def left_behind(folder: Path) -> list[str]:
    """Processes whose command or environment names the folder, files in it, and mounts below it."""
    found = [f"file {path}" for path in folder.iterdir()]
    found += [
        f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line
    ]
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(folder) in each for each in told):
            found.append(f"process {process.pid} {told[:3]}")
    return found


def test_a_small_run_holds_every_invariant_and_prints_its_numbers_last(tmp_path: Path) -> None:
    run = start(tmp_path, "--seed", "3", "--studies", "24", "--minutes", "0.6")
    output, _ = run.communicate()
    assert run.returncode == 0, output
    numbers = json.loads(output.rstrip().splitlines()[-1])
    assert set(numbers) == NUMBERS
    assert numbers["studies"] == 24
    assert (numbers["lost"], numbers["doubled"], numbers["blocks_changed"]) == (0, 0, 0), output
    assert numbers["faults"] >= 3, output
    assert left_behind(tmp_path) == []


def test_ctrl_c_leaves_no_process_mount_or_file_behind() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with start(folder, "--seed", "4", "--studies", "10", "--minutes", "5") as run:
            assert run.stdout is not None
            for line in run.stdout:
                if "starting" in line:
                    break
            time.sleep(6)  # in the middle of starting: brokers are up, services are coming
            run.send_signal(signal.SIGINT)
            output = run.stdout.read()
            assert run.wait(120) == 130, output
        assert left_behind(folder) == []
