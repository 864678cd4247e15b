"""STOW-RS with a real client on loopback."""

import http.client
import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from pydicom.dataset import Dataset

from segwatch.errors import BadSettings
from services.ingest.inbox import Inbox
from services.ingest.spool import Spool
from services.ingest.stow import StowServer
from tests.support.images import dicom_slices, little_ct
from tests.support.senders import FULL

TYPE = 'multipart/related; type="application/dicom"; boundary=edge'


def file_of(data: Dataset) -> bytes:
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def body_of(*parts: bytes) -> bytes:
    head = b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--edge--\r\n"


@pytest.fixture
def server(inbox: Inbox) -> Iterator[StowServer]:
    server = StowServer(Spool(inbox), host="127.0.0.1", port=0, token=None)
    yield server
    server.close()


def post(server: StowServer, body: bytes, path: str = "/studies", **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("POST", path, body, {"Content-Type": TYPE} | headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def failures(answer: bytes, tag: str = "00081198") -> list[int]:
    return [item["00081197"]["Value"][0] for item in json.loads(answer).get(tag, {"Value": []})["Value"]]


def test_a_series_is_stored_and_each_instance_is_answered(server: StowServer, inbox: Inbox):
    slices = dicom_slices(little_ct())
    response, answer = post(server, body_of(*map(file_of, slices)))
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/dicom+json"
    references = json.loads(answer)["00081199"]["Value"]
    assert [item["00081155"]["Value"][0] for item in references] == [d.SOPInstanceUID for d in slices]
    assert {item["00081150"]["Value"][0] for item in references} == {slices[0].SOPClassUID}
    ((name, files),) = inbox.entries().items()
    assert len([file for file, _, _ in files if file.endswith(".dcm")]) == 3
    assert (inbox.root / name / ".arrived-by").read_text() == "stow-rs"


def test_the_study_in_the_address_must_be_the_instances(server: StowServer, inbox: Inbox):
    data = dicom_slices(little_ct())[0]
    assert post(server, body_of(file_of(data)), f"/studies/{data.StudyInstanceUID}")[0].status == 200
    other = dicom_slices(little_ct())[0]
    response, answer = post(server, body_of(file_of(other)), f"/studies/{data.StudyInstanceUID}")
    assert (response.status, failures(answer)) == (409, [0xA900])
    assert len(inbox.entries()) == 1


def test_a_part_that_is_no_dicom_fails_and_the_others_are_stored(server: StowServer, inbox: Inbox):
    good = file_of(dicom_slices(little_ct())[0])
    response, answer = post(server, body_of(b"no dicom", good))
    assert (response.status, failures(answer, "0008119A")) == (202, [0xC000])
    assert len(json.loads(answer)["00081199"]["Value"]) == 1
    assert len(inbox.entries()) == 1


def test_only_bad_parts_are_a_conflict(server: StowServer, inbox: Inbox):
    assert post(server, body_of(b"no dicom", b""))[0].status == 409
    assert inbox.entries() == {}


def test_a_full_disk_is_answered_by_come_again(inbox: Inbox):
    server = StowServer(Spool(inbox, FULL), host="127.0.0.1", port=0, token=None)
    try:
        response, answer = post(server, body_of(file_of(dicom_slices(little_ct())[0])))
    finally:
        server.close()
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert failures(answer, "0008119A") == [0xA700]
    assert inbox.entries() == {}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/dicom", b"x", 415),
        ("multipart/form-data; boundary=edge", body_of(b"x"), 415),
        ('multipart/related; type="application/dicom+json"; boundary=edge', body_of(b"x"), 415),
        ('multipart/related; type="application/dicom"', body_of(b"x"), 400),
        ("", b"", 415),
        (TYPE, b"", 400),
        (TYPE, b"no boundary here", 400),
        (TYPE, body_of(b"no dicom")[:-8], 400),
    ],
)
def test_a_request_of_another_kind_is_refused(server: StowServer, inbox: Inbox, kind, body, status):
    assert post(server, body, **{"Content-Type": kind})[0].status == status
    assert inbox.entries() == {}
    assert list((inbox.root / ".arriving").iterdir()) == []


def test_other_addresses_and_methods_are_not_there(server: StowServer):
    assert post(server, b"", "/")[0].status == 404
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/studies")
    assert connection.getresponse().status == 405
    connection.close()


def test_a_sender_that_hangs_up_leaves_nothing_and_the_server_goes_on(server: StowServer, inbox: Inbox):
    content = body_of(file_of(dicom_slices(little_ct())[0]))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("POST", "/studies")
    connection.putheader("Content-Type", TYPE)
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content[: len(content) // 2])
    connection.close()
    assert post(server, content)[0].status == 200
    server.close()
    assert list((inbox.root / ".arriving").iterdir()) == []
    assert len(inbox.entries()) == 1


def test_with_a_token_only_its_bearer_may_store(inbox: Inbox):
    server = StowServer(Spool(inbox), host="127.0.0.1", port=0, token="the token")
    body = body_of(file_of(dicom_slices(little_ct())[0]))
    try:
        for said in ("", "Bearer", "Bearer another", "Basic the token", "the token"):
            response, _ = post(server, body, Authorization=said)
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert inbox.entries() == {}
        assert post(server, body, Authorization="Bearer the token")[0].status == 200
    finally:
        server.close()


def test_a_port_that_is_taken_is_a_bad_setting(server: StowServer, inbox: Inbox):
    with pytest.raises(BadSettings, match="SEGWATCH_STOW_PORT"):
        StowServer(Spool(inbox), host="127.0.0.1", port=server.port, token=None)
