"""What a client shows a broker: certificate and password, read again when their files change.

A platform renews certificates (Strimzi does a month before they end) and passwords by writing the mounted
files. Each new connection shows what lies there then, so a service needs no restart; its open connections
stay as they are.
"""

import logging
import ssl
import threading
from pathlib import Path
from typing import Any, Self

from services.contracts.errors import BadSettings
from services.streaming.settings import ConnectionSettings, secret

_log = logging.getLogger(__name__)


class RenewedContext(ssl.SSLContext):
    """TLS 1.2 or later, against the site's own CA, with the client's certificate where there is one.

    An authority that was trusted once stays so until the process ends: OpenSSL only adds.

    Raises:
        BadSettings: naming the file that cannot be used.
    """

    def __new__(cls, _settings: ConnectionSettings) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._seen = _state_of(settings)
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        _load(self, settings)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as it is there
        """As in `ssl`, with what the files hold now."""
        self._renew()
        return super().wrap_socket(*arguments, **options)

    def _renew(self) -> None:
        with self._lock:
            state = _state_of(self._settings)
            if state == self._seen:
                return
            try:
                # Into another one first: a certificate whose key has not come yet would spoil this one.
                _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._settings)
                _load(self, self._settings)
            except BadSettings as error:
                _log.warning("certificates have changed and cannot be used yet, keeping the old: %s", error)
            else:
                self._seen = state
                _log.info("certificates have changed: new connections show the new ones")


class PasswordInFile(str):
    """A password as kafka-python takes it, which asks for its bytes at each connection and gets the file's.

    As text it is the file's name, so that no message that shows the options shows the password.
    """

    __slots__ = ("_last", "_path")

    def __new__(cls, path: Path) -> Self:
        return super().__new__(cls, f"(the password in {path})")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = secret(path)

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The password as it lies in the file now; the last one while the file is being replaced."""
        try:
            self._last = secret(self._path)
        except BadSettings as error:
            _log.warning("keeping the password that was read last: %s", error)
        return self._last.encode(encoding, errors)


def _load(context: ssl.SSLContext, settings: ConnectionSettings) -> None:
    try:
        context.load_verify_locations(settings.kafka_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(
            f"SEGWATCH_KAFKA_CA_FILE: {settings.kafka_ca_file} holds no certificate in PEM: {error}"
        ) from None
    if settings.kafka_cert_file is None:
        return
    try:
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(
            f"SEGWATCH_KAFKA_CERT_FILE, SEGWATCH_KAFKA_KEY_FILE: {settings.kafka_cert_file} and"
            f" {settings.kafka_key_file} are no certificate and its key in PEM, without password: {error}"
        ) from None


def _state_of(settings: ConnectionSettings) -> list[tuple[int, int, int] | None]:
    """What tells that a file was replaced, of each; None where it is not there just now."""
    files = (settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file)
    return [_stamp(path) for path in files if path is not None]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _no_password() -> str:
    """Without it OpenSSL would ask on the terminal, and the service would hang."""
    return ""
