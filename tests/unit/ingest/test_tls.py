"""C-STORE and STOW-RS over TLS, and who is turned away."""

import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from pynetdicom import AE

from segwatch.errors import BadSettings
from segwatch.streaming.authority import Authority, Identity
from services.ingest.c_store import CStoreServer
from services.ingest.inbox import Inbox
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool
from services.ingest.stow import StowServer
from services.ingest.tls import doors_context

A_ASSOCIATE_AC = b"\x02"
VERIFICATION = "1.2.840.10008.1.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("keys"), "hospital")


@pytest.fixture(scope="module")
def ingest(authority: Authority) -> Identity:
    return authority.issue("ingest")


@pytest.fixture(scope="module")
def pacs(authority: Authority) -> Identity:
    return authority.issue("pacs")


def sender(trusts: Path, shows: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(trusts))
    if shows is not None:
        context.load_cert_chain(shows.certificate, shows.key)
    return context


def answer_in_plaintext(port: int) -> bytes:
    """What a sender without TLS is told; nothing, or a TLS alert."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.sendall(b"\x01\x00\x00\x00\x00\x44\x00\x01" + bytes(64))
        try:
            return plain.recv(16)
        except ConnectionError:
            return b""


def echoed(port: int, context: ssl.SSLContext) -> bool:
    entity = AE(ae_title="PACS")
    entity.add_requested_context(VERIFICATION)
    entity.connection_timeout = entity.acse_timeout = 3
    association = entity.associate("127.0.0.1", port, ae_title="SEGWATCH", tls_args=(context, "127.0.0.1"))
    try:
        return association.is_established and association.send_c_echo().Status == 0
    finally:
        association.release()


def test_c_store_speaks_tls_and_takes_senders_with_a_certificate_only(
    inbox: Inbox, ingest: Identity, pacs: Identity
):
    tls = doors_context(ingest.certificate, ingest.key, ingest.ca)
    server = CStoreServer(Spool(inbox), host="127.0.0.1", port=0, tls=tls)
    silent = socket.create_connection(("127.0.0.1", server.port))
    try:
        assert echoed(server.port, sender(ingest.ca, pacs)), "though a stranger says nothing"
        assert not echoed(server.port, sender(ingest.ca))
        assert answer_in_plaintext(server.port)[:1] != A_ASSOCIATE_AC
        assert echoed(server.port, sender(ingest.ca, pacs)), "and goes on after strangers"
    finally:
        silent.close()
        server.close()


def test_stow_speaks_tls_and_still_wants_its_token(inbox: Inbox, ingest: Identity):
    tls = doors_context(ingest.certificate, ingest.key, None)
    server = StowServer(Spool(inbox), host="127.0.0.1", port=0, token="the token", tls=tls)
    try:
        secure = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=sender(ingest.ca))
        secure.request("POST", "/studies", b"")
        assert secure.getresponse().status == 401
        secure.close()
        plain = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        plain.request("POST", "/studies", b"")
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            plain.getresponse()
        plain.close()
    finally:
        server.close()


def shown(port: int, trusts: Path) -> int:
    """The serial number of the certificate that a door shows."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        sender(trusts).wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        certificate = secure.getpeercert()
        assert certificate is not None
        return int(str(certificate["serialNumber"]), 16)


def test_a_renewed_certificate_is_shown_at_both_doors_without_a_restart(inbox: Inbox, authority: Authority):
    mine = authority.issue("renewed")
    tls = doors_context(mine.certificate, mine.key, None)
    stow = StowServer(Spool(inbox), host="127.0.0.1", port=0, token=None, tls=tls)
    dicom = CStoreServer(Spool(inbox), host="127.0.0.1", port=0, tls=tls)
    try:
        doors = (stow.port, dicom.port)
        before = {shown(port, mine.ca) for port in doors}
        assert len(before) == 1
        key = mine.key.read_bytes()
        mine.key.write_bytes(b"a key that has not come yet")
        assert {shown(port, mine.ca) for port in doors} == before
        mine.key.write_bytes(key)
        authority.issue("renewed")
        after = {shown(port, mine.ca) for port in doors}
        assert len(after) == 1
        assert after != before
    finally:
        stow.close()
        dicom.close()


def test_without_a_certificate_the_doors_are_plain():
    assert doors_context(None, None, None) is None


@pytest.mark.parametrize(
    ("which", "says"), [("cert", "SEGWATCH_TLS_CERT_FILE"), ("ca", "SEGWATCH_TLS_CLIENT_CA_FILE")]
)
def test_a_file_that_holds_no_certificate_is_refused_by_name(ingest: Identity, tmp_path: Path, which, says):
    (tmp_path / "bad.pem").write_text("nothing")
    bad = tmp_path / "bad.pem"
    with pytest.raises(BadSettings, match=says):
        doors_context(bad if which == "cert" else ingest.certificate, ingest.key, bad)


@pytest.mark.parametrize(
    "given",
    [{"tls_cert_file": "c"}, {"tls_key_file": "k"}, {"tls_client_ca_file": "a"}],
)
def test_a_certificate_without_its_key_is_no_setting(settings: Callable[..., IngestSettings], given):
    with pytest.raises(ValidationError, match="TLS_C"):
        settings(**given)
