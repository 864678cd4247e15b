"""The commands on each service's page start it alone on the embedded log, and Ctrl-C ends it in order."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.service_settings import SERVICES

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90


@contextmanager
def started(commands: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A shell that runs the commands as a person would, and the port that the service says it serves."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGWATCH_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{environment['PATH']}", "TMPDIR": str(folder)}
    shell = subprocess.Popen(
        ["bash", "-ec", commands],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield shell, port_of(shell)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
        shell.communicate()


def port_of(shell: subprocess.Popen[str]) -> int:
    assert shell.stdout is not None
    said = []
    for line in shell.stdout:
        said.append(line)
        if '"message": "started"' in line:
            port: int = json.loads(line)["port"]
            return port
    raise AssertionError(f"it never started: {said}")


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_alone_as_its_page_says(service: str, tmp_path: Path):
    page = (ROOT / "services" / service / "README.md").read_text()
    (commands,) = re.findall(r"```\n(.*?)```", page, re.DOTALL)

    alone = commands.replace("python -m", "exec python -m")  # so that the exit code is the service's
    with started(alone, tmp_path) as (shell, port):
        until = time.monotonic() + SECONDS
        while not is_ready(port):
            assert time.monotonic() < until
            time.sleep(0.1)
        os.killpg(shell.pid, signal.SIGINT)
        assert shell.wait(SECONDS) == 0
