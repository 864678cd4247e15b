"""Our commands of the runbooks, as they are printed, against brokers that ask who comes and what he may do.

Each runs as a process of its own, with the certificate of whom the runbook's pod comes as. They leave
decisions behind, so this file comes last of those that look at the run.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.machine.process import base_environment
from segwatch.contracts.topics import MEASURED
from segwatch.streaming.deadletters.reading import read_letters
from segwatch.streaming.log import Outgoing
from tests.support.images import little_study
from tests.support.releases import at_centre, pulse
from tests.support.runbook_commands import AT_THE_CENTRE, IN_HOSPITAL, SITE, Command, shown
from tests.support.streaming import eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]
COUNTS = [3, 2, 4, 3, 5, 2, 3, 4, 1, 3] * 3 + [14, 15, 16, 14]
"""Of pulses behind the run's own first: a change for the worse."""


@pytest.fixture(scope="module")
def hospital(ended_run):
    return ended_run.stack.hospitals[0]


@pytest.fixture(scope="module")
def centre(ended_run):
    """The centre, at which the site has changed, and has released one block twice."""
    centre = ended_run.stack.centre
    with centre.log_address.open() as log, log.producer() as producer:
        producer.send([at_centre(SITE, pulse(number, count)) for number, count in enumerate([9, *COUNTS])])
    return centre


@pytest.fixture
def letter(hospital) -> str:
    """A study that scoring has put aside."""
    with hospital.log_address.open() as log:
        before = set(read_letters(log).by_id)
        with log.producer() as producer:
            producer.send([Outgoing(MEASURED, b"key", os.urandom(8))])
        eventually(lambda: set(read_letters(log).by_id) > before, 30)
        return (set(read_letters(log).by_id) - before).pop()


@pytest.fixture
def dicom_study(tmp_path: Path) -> Path:
    return little_study(tmp_path / "study")


def run(words: list[str], environment: dict[str, str]) -> str:
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run(
        [program, *words[1:]],
        env={**base_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("command", IN_HOSPITAL, ids=shown)
def test_in_the_hospital(command: Command, hospital, letter: str, dicom_study: Path) -> None:
    words = [{"ID": letter, "STUDYFOLDER": str(dicom_study)}.get(word, word) for word in command.in_pod]
    service = command.pod.removesuffix("-0").removeprefix("deployment/")
    environment = {
        **hospital.known_as(service).environment,
        "SEGWATCH_SITE": SITE,
        "SEGWATCH_INBOX": str(hospital.inbox),
        "SEGWATCH_AUDIT_LOG": str(hospital.audit_log),
    }

    assert run(words, environment)


@pytest.mark.parametrize("command", AT_THE_CENTRE, ids=shown)
def test_at_the_centre(command: Command, centre) -> None:
    assert run(command.in_pod, centre.known_as("operator").environment)
