"""TLS at ingest's own doors, C-STORE (DICOM PS3.15 B.12, BCP 195) and STOW-RS."""

import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Any, Self

from segwatch.streaming.certificate_files import CertificateFiles, load_authorities, load_certificate


def doors_context(certificate: Path | None, key: Path | None, clients: Path | None) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the certificate; None where the doors are to be plain.

    Args:
        certificate: ingest's, in PEM, with what leads to its authority.
        key: its key, without password.
        clients: authorities whose certificates senders must show; None lets everybody speak.

    Raises:
        BadSettings: naming the file that cannot be used.
    """
    if certificate is None:
        return None
    load = partial(_load, certificate, key, clients)
    return _Doors(CertificateFiles((certificate, key, clients), load), load)


def _load(certificate: Path, key: Path | None, clients: Path | None, context: ssl.SSLContext) -> None:
    load_certificate(context, certificate, key, "SEGWATCH_TLS_CERT_FILE, SEGWATCH_TLS_KEY_FILE")
    if clients is not None:
        load_authorities(context, clients, "SEGWATCH_TLS_CLIENT_CA_FILE")
        context.verify_mode = ssl.CERT_REQUIRED


class _Doors(ssl.SSLContext):
    """Shows each new connection what the files hold, and shakes hands when the first bytes are read, by
    whoever reads them.

    pynetdicom 3 wraps a connection in the loop that accepts all of them: a stranger who connects and says
    nothing would keep every other sender out.
    """

    def __new__(cls, *_given: Any) -> Self:  # noqa: ANN401 - what `__init__` takes
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, files: CertificateFiles, load: partial[None]) -> None:
        self._files = files
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        load(self)

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as it is there
        """As in `ssl`, without waiting for the other side. C-STORE's way."""
        self._files.renew(self)
        options["do_handshake_on_connect"] = False
        return super().wrap_socket(sock, *arguments, **options)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401 - as it is there
        """As in `ssl`. STOW-RS's way."""
        self._files.renew(self)
        return super().wrap_bio(*arguments, **options)
