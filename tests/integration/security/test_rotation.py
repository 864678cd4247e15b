"""Certificates and their authority are replaced while studies flow: none is lost, no service is restarted."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka.renewal import replace_authority
from segwatch.contracts.topics import MEASURED, SCORED, dead_letters
from segwatch.streaming.access import HOSPITAL
from segwatch.streaming.log import Log, outgoing
from tests.support.hospital_and_centre import HospitalAndCentre
from tests.support.stage_process import start_stage
from tests.support.streaming import eventually, ids, measured, read_all

pytestmark = [pytest.mark.broker, pytest.mark.slow]
NAME = "rotated-"


@pytest.fixture
def stage(both: HospitalAndCentre, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A stage as a process of its own, as the principal `scoring`."""
    address = both.hospital.known_as("scoring")
    settings = {"SEGWATCH_HTTP_PORT": "0", "SEGWATCH_HTTP_HOST": "127.0.0.1", "SEGWATCH_MEMBER": "scoring-0"}
    process = start_stage(address.environment | settings, tmp_path / "stage.log")
    yield process
    process.kill()
    process.wait()


def test_no_study_is_lost_while_every_certificate_and_the_authority_change(
    both: HospitalAndCentre, stage: "subprocess.Popen[bytes]"
) -> None:
    broker, authority = both.broker("hospital"), both.hospital.authority
    assert authority is not None
    before = authority.trusted.read_text()
    sent: list[str] = []
    with both.hospital.known_as("features").open() as log, log.producer() as producer:

        def put() -> None:
            name = f"{NAME}{len(sent)}"
            producer.send([outgoing(MEASURED, measured(name))])
            sent.append(name)

        put()
        eventually(lambda: done(both) >= set(sent), seconds=60)

        change = threading.Thread(target=replace_authority, args=(broker, authority, HOSPITAL))
        change.start()
        while change.is_alive():
            put()
            change.join(0.2)
        assert authority.trusted.read_text() != before, "the last authority is forgotten"

        # Everybody has to come in again, and has only what lies in its files now.
        broker.stop()
        broker.start()
        put()
        eventually(lambda: done(both) >= set(sent), seconds=90)
    assert len(sent) > 3, "studies came while the change went on"
    assert stage.poll() is None, "and it is the same process"
    with both.hospital.log_address.open() as log:
        assert not [name for name in ids(letters(log)) if name.startswith(NAME)]


def done(both: HospitalAndCentre) -> set[str]:
    with both.hospital.log_address.open() as log:
        return {name.removesuffix("-scored") for name in ids(ours(log)) if name.startswith(NAME)}


def ours(log: Log) -> list:
    return [record for record in read_all(log, SCORED) if dict(record.headers).get("ce_id")]


def letters(log: Log) -> list:
    return [r for r in read_all(log, dead_letters(MEASURED)) if dict(r.headers).get("ce_id")]
