"""TLS at ingest's own doors, C-STORE (DICOM PS3.15 B.12, BCP 195) and STOW-RS."""

import socket
import ssl
from pathlib import Path
from typing import Any

from services.contracts.errors import BadSettings


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
    context = _Unhurried(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(
            f"SEGWATCH_TLS_CERT_FILE, SEGWATCH_TLS_KEY_FILE: {certificate} and {key} are no certificate and"
            f" its key in PEM, without password: {error}"
        ) from None
    if clients is not None:
        try:
            context.load_verify_locations(clients)
        except (OSError, ssl.SSLError) as error:
            raise BadSettings(
                f"SEGWATCH_TLS_CLIENT_CA_FILE: {clients} holds no certificate in PEM: {error}"
            ) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Unhurried(ssl.SSLContext):
    """Shakes hands when the first bytes are read, by whoever reads them.

    pynetdicom 3 wraps a connection in the loop that accepts all of them: a stranger who connects and says
    nothing would keep every other sender out.
    """

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as it is there
        """As in `ssl`, without waiting for the other side."""
        options["do_handshake_on_connect"] = False
        return super().wrap_socket(sock, *arguments, **options)


def _no_password() -> str:
    """Without it OpenSSL would ask on the terminal, and the service would hang."""
    return ""
