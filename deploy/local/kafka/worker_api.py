"""The Connect worker's own HTTP door: who may speak there can make it copy anything that its principal reads.

So it takes one certificate only, the worker's own. In Kubernetes a network policy lets Strimzi's operator
through and nobody else.
"""

import secrets
import ssl
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local.kafka.certificates import OWNER_ONLY, Authority, Identity, openssl
from deploy.local.kafka.listeners import Settings
from deploy.local.machine.loopback_http import ask, ask_json
from deploy.local.machine.ports import LOOPBACK

KEEPER = "worker-api"


class WorkerApi:
    """The door of one worker.

    Args:
        port: where it listens.
        folder: for its keys; plain HTTP without, for tests that are about something else.
    """

    def __init__(self, port: int, folder: Path | None) -> None:
        self.settings: Settings = {"listeners": f"http://{LOOPBACK}:{port}"}
        context = None
        if folder is not None:
            keeper = Authority(folder, "worker API").issue(KEEPER)
            self.settings = {"listeners": f"https://{LOOPBACK}:{port}"} | _store(keeper)
            context = ssl.create_default_context(cafile=str(keeper.ca))
            context.load_cert_chain(keeper.certificate, keeper.key)
        self._ask = partial(ask, port, context=context)
        self._ask_json = partial(ask_json, port, context=context)

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The answer's JSON; None where there is none."""
        return self._ask_json(path)

    def post(self, path: str) -> int:
        """The answer's status; 0 where nothing answers."""
        return self._ask(path, method="POST")[0]


def _store(keeper: Identity) -> Settings:
    """Connect's web server reads no PEM. Without a truststore it trusts what it shows, and no other."""
    store = keeper.store.with_suffix(".p12")
    password = keeper.store.with_suffix(".password")
    for path in (store, password):
        path.touch(OWNER_ONLY)
    password.write_text(secrets.token_hex(16))
    openssl("pkcs12", "-export", "-in", str(keeper.store), "-out", str(store), "-passout", f"file:{password}")
    prefix = "listeners.https.ssl."
    return {
        f"{prefix}keystore.type": "PKCS12",
        f"{prefix}keystore.location": str(store),
        f"{prefix}keystore.password": password.read_text(),
        f"{prefix}key.password": password.read_text(),
        f"{prefix}client.auth": "required",
    }
