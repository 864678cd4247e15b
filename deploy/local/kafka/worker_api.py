"""The Connect worker's own HTTP door: who may speak there can make it copy anything that its principal reads.

So it takes one certificate only, the worker's own. In Kubernetes a network policy lets Strimzi's operator
through and nobody else.
"""

import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.local.kafka.listeners import Settings
from deploy.local.machine.loopback_http import get_json, request
from deploy.local.machine.ports import LOOPBACK
from segwatch.streaming.authority import OWNER_ONLY, Authority, Identity, openssl

PRINCIPAL = "worker-api"


class WorkerApi:
    """The door of one worker.

    Args:
        port: where it listens now.
        folder: for its keys; plain HTTP without, for tests that are about something else.
    """

    def __init__(self, port: Callable[[], int], folder: Path | None) -> None:
        self._port = port
        self._context: ssl.SSLContext | None = None
        self._keys: Settings = {}
        if folder is not None:
            identity = Authority(folder, "worker API").issue(PRINCIPAL)
            self._keys = _store(identity)
            self._context = ssl.create_default_context(cafile=str(identity.ca))
            self._context.load_cert_chain(identity.certificate, identity.key)

    @property
    def settings(self) -> Settings:
        """What the worker is told of its door."""
        return {
            "listeners": f"{'https' if self._context else 'http'}://{LOOPBACK}:{self._port()}"
        } | self._keys

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The answer's JSON; None where there is none."""
        return get_json(self._port(), path, context=self._context)

    def post(self, path: str) -> int:
        """The answer's status; 0 where nothing answers."""
        return request(self._port(), path, method="POST", context=self._context)[0]


def _store(identity: Identity) -> Settings:
    """Connect's web server reads no PEM. Without a truststore it trusts what it shows, and no other."""
    store = identity.store.with_suffix(".p12")
    password = identity.store.with_suffix(".password")
    for path in (store, password):
        path.touch(OWNER_ONLY)
    password.write_text(secrets.token_hex(16))
    openssl(
        "pkcs12", "-export", "-in", str(identity.store), "-out", str(store), "-passout", f"file:{password}"
    )
    prefix = "listeners.https.ssl."
    return {
        f"{prefix}keystore.type": "PKCS12",
        f"{prefix}keystore.location": str(store),
        f"{prefix}keystore.password": password.read_text(),
        f"{prefix}key.password": password.read_text(),
        f"{prefix}client.auth": "required",
    }
