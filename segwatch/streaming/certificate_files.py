"""Certificates that are loaded again when their files change.

A platform renews certificates (Strimzi and cert-manager do long before they end) by writing the mounted
files. Each new connection shows what lies there then, so a service needs no restart; open connections stay.
"""

import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from segwatch.errors import BadSettings

_log = logging.getLogger(__name__)


class CertificateFiles:
    """The files behind a context. An authority that was trusted once stays so until the process ends:
    OpenSSL only adds.

    Args:
        files: where they lie; None for those that the settings do not name.
        load: puts what they hold into a context; raises BadSettings, naming the file that cannot be used.
    """

    def __init__(self, files: Sequence[Path | None], load: Callable[[ssl.SSLContext], None]) -> None:
        self._files = [path for path in files if path is not None]
        self._load = load
        self._lock = threading.Lock()
        self._seen = self._state()

    def renew(self, context: ssl.SSLContext) -> None:
        """Load them again where they have changed; what cannot be used yet is left alone until it can."""
        with self._lock:
            state = self._state()
            if state == self._seen:
                return
            try:
                # Into another one first: a certificate whose key has not come yet would spoil this one.
                self._load(ssl.SSLContext(context.protocol))
                self._load(context)
            except BadSettings as error:
                _log.warning("certificates have changed and cannot be used yet, keeping the old: %s", error)
            else:
                self._seen = state
                _log.info("certificates have changed: new connections show the new ones")

    def _state(self) -> list[tuple[int, int, int] | None]:
        """What tells that a file was replaced, of each; None where it is not there just now."""
        return [_stamp(path) for path in self._files]


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None, settings: str) -> None:
    """Show this certificate; raises BadSettings, naming the settings, where the files hold no such thing."""
    try:
        # Without a password's function OpenSSL would ask on the terminal, and the service would hang.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:
        raise BadSettings(
            f"{settings}: {certificate} and {key} are no certificate and its key in PEM, without password:"
            f" {error}"
        ) from None


def load_authorities(context: ssl.SSLContext, file: Path | None, setting: str) -> None:
    """Trust these authorities; raises BadSettings, naming the setting, where the file holds none."""
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise BadSettings(f"{setting}: {file} holds no certificate in PEM: {error}") from None


def decoded(certificate: Path) -> dict[str, Any]:
    """What the first certificate of a PEM file says, as `ssl.SSLSocket.getpeercert` shows it.

    Raises:
        OSError: it cannot be read, or holds no certificate (ssl.SSLError is one).
    """
    # The only decoder that comes with Python; ssl shows certificates otherwise after a handshake only.
    found: dict[str, Any] = ssl._ssl._test_decode_cert(str(certificate))  # type: ignore[attr-defined]
    return found


def names_of(certificate: Path) -> set[str]:
    """The host names and addresses that a certificate is for; its common name where it has no others."""
    found = decoded(certificate)
    names = {value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address")}
    return names or set(common_names(certificate))


def common_names(certificate: Path) -> list[str]:
    """The common names of a certificate's subject: Kafka's principal."""
    parts = [part for relative in decoded(certificate).get("subject", ()) for part in relative]
    return [value for kind, value in parts if kind == "commonName"]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
