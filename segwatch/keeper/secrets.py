"""Secrets of our namespace, by name. Of Kubernetes' API two calls are needed: no client library is."""

import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from segwatch.errors import BadSettings, Transient, in_one_line

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token, the API's authority and its namespace."""
API = "https://kubernetes.default.svc"
SECONDS = 10.0
REFUSED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND})


class KubernetesUnavailable(Transient):
    """Kubernetes' API is away, or somebody else has changed the same object: to be tried again."""


@dataclass(frozen=True)
class Found:
    """What a Secret held.

    Attributes:
        entries: by name; empty before anybody has filled it.
        version: of the object, so that nobody writes over what he has not seen.
    """

    entries: dict[str, bytes]
    version: str


class Secrets:
    """The Secrets that the manifests name: they are there already, and are read and filled, never made.

    Args:
        api: its address. account: the folder of a pod's token.
    """

    def __init__(self, api: str = API, account: Path = ACCOUNT) -> None:
        self._api, self._account = api, account

    @property
    def namespace(self) -> str:
        """Ours."""
        return self._given("namespace")

    def read(self, name: str) -> Found:
        """What a Secret holds.

        Raises:
            KubernetesUnavailable: there is no answer.
            BadSettings: it is not there, or we may not read it.
        """
        answer = self._ask("GET", name)
        entries = {key: base64.b64decode(text) for key, text in (answer.get("data") or {}).items()}
        return Found(entries, answer["metadata"]["resourceVersion"])

    def fill(self, name: str, entries: Mapping[str, bytes], seen: Found) -> None:
        """Put these entries into a Secret, beside what else it holds.

        Raises:
            KubernetesUnavailable: there is no answer, or it is not as it was seen any more.
            BadSettings: it is not there, or we may not write it.
        """
        coded = {key: base64.b64encode(content).decode() for key, content in entries.items()}
        self._ask("PATCH", name, {"metadata": {"resourceVersion": seen.version}, "data": coded})

    def _ask(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = Request(  # noqa: S310 - https
            f"{self._api}/api/v1/namespaces/{self.namespace}/secrets/{name}",
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self._given('token')}",
                "Content-Type": "application/merge-patch+json",
            },
            method=method,
        )
        trusted = ssl.create_default_context(cafile=str(self._account / "ca.crt"))
        try:
            with urlopen(request, timeout=SECONDS, context=trusted) as answer:  # noqa: S310 - https
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            said = f"Kubernetes answers {error.code} to {method} of the Secret {name}"
            if error.code in REFUSED:
                raise BadSettings(f"{said}: it, and the right to it, come with the manifests") from None
            raise KubernetesUnavailable(said) from None
        except (URLError, TimeoutError, ConnectionError) as error:
            raise KubernetesUnavailable(f"{self._api} does not answer: {in_one_line(error)}") from None

    def _given(self, name: str) -> str:
        """Read each time: a token is renewed where it lies."""
        return (self._account / name).read_text().strip()
