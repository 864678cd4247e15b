"""`python -m services.ingest` as a process of its own: every way in, health, and its end."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, XRayRadiationDoseSRStorage
from pynetdicom import AE

from deploy.local.machine.loopback_http import is_ok, request
from deploy.local.machine.ports import reserve_ports
from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.files import whole_folder
from segwatch.ingest.inbox import put_back
from segwatch.phantoms.phantom import make_phantom
from segwatch.streaming.deadletters.reading import read_letters
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from tests.support.folders import made
from tests.support.images import dicom_slices, little_ct, save_all
from tests.support.ingest_process import COMMAND, ROOT, ingest_environment, make_topics
from tests.support.streaming import eventually, read_all


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text("the token\n")
    http_port, dicom_port, stow_port = reserve_ports(3)
    return ingest_environment(
        tmp_path,
        HTTP_PORT=http_port,
        QUIET_SECONDS=0.2,
        DICOM_PORT=dicom_port,
        STOW_PORT=stow_port,
        STOW_TOKEN_FILE=tmp_path / "token",
    )


def begin(environment: dict[str, str], command: Sequence[str] = COMMAND) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_ready(environment: dict[str, str]) -> bool:
    return is_ok(int(environment["SEGWATCH_HTTP_PORT"]), "/readyz")


def get(environment: dict[str, str], path: str) -> str:
    return request(int(environment["SEGWATCH_HTTP_PORT"]), path)[1].decode()


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    make_topics(tmp_path)
    with begin(environment) as process:
        try:
            eventually(lambda: is_ready(environment), 60)
            yield process
        finally:
            process.kill()


def send_by_c_store(environment: dict[str, str]) -> None:
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    port = int(environment["SEGWATCH_DICOM_PORT"])
    association = entity.associate("127.0.0.1", port, ae_title="SEGWATCH")
    for data in dicom_slices(little_ct(1)):
        assert association.send_c_store(data).Status == 0
    association.release()


def send_by_stow(environment: dict[str, str]) -> None:
    body = b""
    for data in dicom_slices(little_ct(2)):
        buffer = BytesIO()
        data.save_as(buffer, enforce_file_format=True)
        body += b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + buffer.getvalue() + b"\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["SEGWATCH_STOW_PORT"]), timeout=20)
    headers = {
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=edge',
        "Authorization": "Bearer the token",
    }
    connection.request("POST", "/studies", body + b"--edge--\r\n", headers)
    assert connection.getresponse().status == 200
    connection.close()


def put_into_the_folder(environment: dict[str, str]) -> None:
    ct = little_ct(3)
    with whole_folder(Path(environment["SEGWATCH_INBOX"]) / "case") as hidden:
        write_nifti(hidden / "ct.nii.gz", ct.array, ct.geometry)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_ct_comes_in_by_every_way_and_the_process_ends_when_asked(environment, process, tmp_path, how):
    for send in (send_by_c_store, send_by_stow, put_into_the_folder):
        send(environment)
    with EmbeddedLog(tmp_path / "log.db") as log:
        eventually(lambda: len(read_all(log, RECEIVED)) == 3, 60)
        records = read_all(log, RECEIVED)
    events = [decode(RECEIVED, record.key, record.value, record.headers) for record in records]
    assert {event.data.arrived_by for event in events} == {"c-store", "stow-rs", "folder"}
    assert {event.data.geometry.shape_zyx for event in events} == {(3, 4, 5)}
    counted = 'segwatch_ingest_studies_total{outcome="announced"} 3.0'
    eventually(lambda: counted in get(environment, "/metrics"))
    assert get(environment, "/livez") == "alive\n"
    process.send_signal(how)
    logged = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert lines[-1]["message"] == "stopped"
    assert {line.get("study") for line in lines if line["message"] == "announced"} == {e.key for e in events}


def test_a_process_that_is_killed_loses_nothing(environment, process, tmp_path):
    with EmbeddedLog(tmp_path / "log.db") as log:
        send_by_c_store(environment)
        process.kill()
        process.wait(10)
        with begin(environment) as again:
            eventually(lambda: len({record.key for record in read_all(log, RECEIVED)}) == 1, 60)
            eventually(lambda: not [p for p in (tmp_path / "inbox").iterdir() if p.name[0] != "."], 60)
            again.terminate()
            again.communicate(timeout=30)
    assert again.returncode == 0


DIES_IN = """
import os, runpy
from services.ingest.inbox import Inbox
Inbox.{step} = lambda *_: os._exit(9)
runpy.run_module("services.ingest", run_name="__main__")
"""


def put_a_bad_case(inbox: Path) -> None:
    with whole_folder(inbox / "case") as hidden:
        (hidden / "ct.nii.gz").write_bytes(b"no image")


def put_a_bad_series_beside_a_report(inbox: Path) -> None:
    phantom = make_phantom(4, shape=(12, 16, 16))
    slices = dicom_slices(Volume(phantom.ct, phantom.geometry))
    report = dicom_slices(little_ct(5))[0]
    report.StudyInstanceUID, report.Modality = slices[0].StudyInstanceUID, "SR"
    report.SOPClassUID = XRayRadiationDoseSRStorage
    with whole_folder(inbox / "case") as hidden:
        save_all(slices[:5] + slices[6:], hidden / "ct")
        save_all([report], hidden / "report")


@pytest.mark.parametrize(
    ("put", "step"), [(put_a_bad_case, "reject"), (put_a_bad_series_beside_a_report, "reject_files")]
)
def test_killed_between_a_dead_letter_and_the_move_of_what_it_is_for_there_is_one_letter(
    environment, tmp_path, put, step
):
    make_topics(tmp_path)
    put(made(tmp_path / "inbox"))
    command = (sys.executable, "-c", DIES_IN.format(step=step))
    with begin(environment, command) as dying:
        dying.communicate(timeout=90)
    with EmbeddedLog(tmp_path / "log.db") as log, begin(environment) as again:
        eventually(lambda: not (tmp_path / "inbox/case").exists(), 60)
        again.terminate()
        again.communicate(timeout=30)
        records = read_all(log, dead_letters(RECEIVED))
        (letter,) = read_letters(log).by_id.values()
    assert len(records) == 2  # it was killed where it was to be
    put_back(tmp_path / "inbox", os.fsdecode(letter.record.key or b""))  # the letter leads to it


def test_while_kafka_is_away_the_doors_are_open_and_what_comes_waits_on_the_disk(environment, tmp_path):
    (nobody,) = reserve_ports(1)
    away = environment | {"SEGWATCH_LOG": "kafka", "SEGWATCH_KAFKA_BOOTSTRAP": f"127.0.0.1:{nobody}"}
    with begin(away) as process:
        try:
            eventually(lambda: is_ready(environment), 60)
            send_by_c_store(environment)
            send_by_stow(environment)
            assert is_ready(environment)
            assert len(list((tmp_path / "inbox").glob("exam-*/*/*.dcm"))) == 6
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("CT_UNITS", "hu", "SEGWATCH_CT_UNIT"),
        ("CT_UNIT", "grey", "SEGWATCH_CT_UNIT"),
        ("PSEUDONYM_SECRET_FILE", "short", "16"),
        ("PSEUDONYM_SECRET_FILE", "absent", "cannot be read"),
        ("HTTP_HOST", "0.0.0.0", "STOW_TOKEN_FILE"),
        ("STORE", "nosuch://bucket", "nosuch"),
        ("INBOX", "secret", "INBOX"),
    ],
)
def test_bad_settings_end_the_process_with_one_clear_line(environment, tmp_path, name, value, named):
    (tmp_path / "short").write_text("too short")
    if name in {"PSEUDONYM_SECRET_FILE", "INBOX"}:
        value = str(tmp_path / value)
    if name == "HTTP_HOST":
        del environment["SEGWATCH_STOW_TOKEN_FILE"]
    with begin(environment | {f"SEGWATCH_{name}": value}) as process:
        logged = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    (line,) = [entry for entry in map(json.loads, logged.splitlines()) if entry["level"] == "ERROR"]
    assert named in line["message"]


def test_a_missing_topic_is_waited_for_and_named(environment):
    with begin(environment) as process:
        logged = ""
        while RECEIVED not in logged:
            assert process.poll() is None, logged
            logged += process.stderr.readline()
        process.terminate()
        process.communicate(timeout=60)
