"""What a client shows a broker: certificate and password, read again when their files change (`renewed`)."""

import logging
import ssl
from functools import partial
from pathlib import Path
from typing import Any, Self

from segwatch.errors import BadSettings
from segwatch.streaming.certificate_files import CertificateFiles, load_authorities, load_certificate
from segwatch.streaming.settings import ConnectionSettings, secret

_log = logging.getLogger(__name__)


class RenewedContext(ssl.SSLContext):
    """TLS 1.2 or later, against the site's own CA, with the client's certificate where there is one.

    Raises:
        BadSettings: naming the file that cannot be used.
    """

    def __new__(cls, _settings: ConnectionSettings) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, settings: ConnectionSettings) -> None:
        files = (settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file)
        self._files = CertificateFiles(files, partial(_load, settings))
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        _load(settings, self)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as it is there
        """As in `ssl`, with what the files hold now."""
        self._files.renew(self)
        return super().wrap_socket(*arguments, **options)


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


def _load(settings: ConnectionSettings, context: ssl.SSLContext) -> None:
    load_authorities(context, settings.kafka_ca_file, "SEGWATCH_KAFKA_CA_FILE")
    if settings.kafka_cert_file is not None:
        named = "SEGWATCH_KAFKA_CERT_FILE, SEGWATCH_KAFKA_KEY_FILE"
        load_certificate(context, settings.kafka_cert_file, settings.kafka_key_file, named)
