"""What is wrong on a server: its unit says so, is not ready, and goes on by itself once it is mended."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import DATA, ETC, HOSPITAL_SERVICES
from segwatch.streaming.kafka.consumer import RENEW_SECONDS
from tests.server.hospital import SECONDS, Hospital
from tests.server.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
Plant = Callable[[Machine], None]


def away(path: str) -> tuple[Plant, Plant]:
    """A file or folder that is not there, and back again."""
    return (
        lambda machine: machine.run("mv", path, f"{path}.away") and None,
        lambda machine: machine.run("mv", f"{path}.away", path) and None,
    )


def another(path: str, content: str) -> tuple[Plant, Plant]:
    """A file with another content, its owner's only as before."""

    def plant(machine: Machine) -> None:
        machine.run("cp", "-p", path, f"{path}.away")
        machine.run("sh", "-c", f"echo '{content}' > {path}")

    return plant, lambda machine: machine.run("mv", f"{path}.away", path) and None


PLANTED: dict[str, tuple[str, tuple[Plant, Plant], str]] = {
    "no policy": ("aggregation", away(f"{ETC}/policy.yaml"), r"policy\.yaml"),
    "a loose policy": (
        "aggregation",
        another(f"{ETC}/policy.yaml", 'version: "2"\nepsilon_count: 9'),
        "epsilon_count",
    ),
    "absent weights": ("scoring", away(f"{DATA}/models/scorer"), r"models/scorer"),
    "another secret": ("ingest", another(f"{ETC}/secrets/pseudonym-secret", "b" * 64), "secret"),
    "no secret": ("ingest", away(f"{ETC}/secrets/pseudonym-secret"), "pseudonym-secret"),
    "no certificate": ("features", away(f"{ETC}/tls/features.crt"), r"KAFKA_CERT_FILE.*features\.crt"),
    "a misspelt setting": (
        "segmentation",
        another(f"{ETC}/settings/segmentation.env", "SEGWATCH_STIE=a"),
        "SEGWATCH_STIE is not a setting",
    ),
}


@pytest.fixture(scope="module")
def well(hospital: Hospital) -> Hospital:
    """A hospital in which every service is ready, and that has scored a study."""
    hospital.feed(range(1))
    hospital.scored(1)
    assert comes_true(lambda: all(hospital.ready(each)[0] == 200 for each in HOSPITAL_SERVICES), SECONDS)
    return hospital


def says(hospital: Hospital, unit: str, words: str, since: str) -> bool:
    return re.search(words, hospital.said(unit, since)) is not None


@contextmanager
def planted(hospital: Hospital, fault: tuple[Plant, Plant]) -> Iterator[None]:
    plant, mend = fault
    plant(hospital.machine)
    try:
        yield
    finally:
        mend(hospital.machine)


@pytest.mark.parametrize("name", PLANTED)
def test_a_unit_says_what_is_wrong_and_goes_on_when_it_is_mended(well: Hospital, name: str):
    unit, fault, words = PLANTED[name]
    since = well.now()

    with planted(well, fault):
        well.machine.run("systemctl", "restart", f"segwatch-{unit}")
        assert comes_true(lambda: says(well, unit, words, since), SECONDS), well.said(unit, since)
        assert well.ready(unit)[0] != 200

    assert comes_true(lambda: well.ready(unit)[0] == 200, SECONDS), well.said(unit, since)


def test_every_service_waits_for_a_log_that_is_away(well: Hospital):
    """Ingest goes on taking studies, and stays ready for that. Away longer than clients are given up."""
    since = well.now()
    number = len(well.scored(1))
    well.machine.run("systemctl", "stop", "segwatch-kafka")
    try:
        for unit in HOSPITAL_SERVICES[1:]:
            assert comes_true(lambda name=unit: well.ready(name)[0] != 200, SECONDS), well.said(unit, since)
        well.feed(range(100, 102))
        time.sleep(RENEW_SECONDS + 60)
        assert well.ready("ingest")[0] == 200
    finally:
        well.machine.run("systemctl", "start", "segwatch-kafka")

    assert len(well.scored(number + 2)) == number + 2
    for unit in HOSPITAL_SERVICES:
        assert comes_true(lambda name=unit: well.ready(name)[0] == 200, SECONDS), well.said(unit, since)


def test_a_study_waits_while_the_stores_disk_is_full(well: Hospital):
    store, since = f"{DATA}/store", well.now()
    number = len(well.scored(1))
    machine = well.machine
    users = [f"segwatch-{each}" for each in ("ingest", "segmentation", "features")]
    machine.run("systemctl", "stop", *users)
    machine.run("cp", "-a", store, f"{store}.whole")
    machine.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", store)
    machine.run("sh", "-c", f"cp -a {store}.whole/. {store} && chmod --reference={store}.whole {store}")
    machine.run(
        "sh", "-c", f"chown --reference={store}.whole {store}; cat /dev/zero > {store}/filler || true"
    )
    machine.run("systemctl", "start", *users)
    well.feed(range(110, 111))
    words = r"(?i)no space|full|room"
    assert comes_true(lambda: says(well, "ingest", words, since), SECONDS), well.said("ingest", since)
    asked = ("--settings", f"{ETC}/settings", "--ntp", "none", "--faults")
    found = machine.run("/opt/segwatch/current/venv/bin/segwatch", "preflight", "server", *asked, check=False)
    assert re.search(r"disk.*store.*9\d|100 %", found.stdout), found.stdout

    machine.run("rm", f"{store}/filler")

    assert len(well.scored(number + 1)) == number + 1
    assert comes_true(lambda: well.ready("ingest")[0] == 200, SECONDS)
