"""A Grafana, asked through grafana-client. Its refusals become sentences that say what to do.

API of dashboards, versions, folders, sources: https://grafana.com/docs/grafana/latest/developers/http_api/
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, TokenAuth

from segwatch.errors import BadSettings, SegwatchError, in_one_line

SECONDS = 20.0
NOT_FOUND = 404
NOT_SHOWN = (403, NOT_FOUND, 405)
"""What a Grafana answers that has no such thing, or does not show it to this token."""


class GrafanaRefused(SegwatchError):
    """Grafana is away, does not know the token, or does not do what is asked. Says what to do."""


@dataclass(frozen=True)
class Live:
    """A dashboard as Grafana has it.

    Attributes:
        content: as stored.
        version: grows with every change.
        folder: the uid of the folder that it lies in; empty for the root.
        provisioned: whether Grafana reads it from a file and lets nobody else change it.
        written: how the latest version came to be, by whom, and when; None where that cannot be seen.
    """

    content: Mapping[str, Any]
    version: int
    folder: str
    provisioned: bool
    written: Mapping[str, Any] | None


class Grafana:
    """One Grafana, as one token may use it.

    Args:
        url: where a browser opens it, a path included.
        token: of a service account.
        authority: a file of the certificates to trust; None the system's.
    """

    def __init__(self, url: str, token: str, authority: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadSettings(f"GRAFANA_URL: {url!r} is no address such as https://grafana.hospital.example/")
        if parts.username or parts.password:
            raise BadSettings("GRAFANA_URL holds a user or a password: give a token in GRAFANA_TOKEN_FILE")
        if authority is not None and not authority.is_file():
            raise BadSettings(f"GRAFANA_CA_FILE: there is no file {authority}")
        path = parts.path.strip("/")
        self.url = url.rstrip("/")
        self._api = GrafanaApi(
            TokenAuth(token),
            host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",
            protocol=parts.scheme,
            verify=True if authority is None else str(authority),
            timeout=SECONDS,
        )
        self._api.client.s.max_redirects = 0  # a redirect turns a POST into a GET

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.client.s.close()

    def folders(self) -> dict[str, str]:
        """Titles of the folders that the token sees, by uid."""
        with self._refusals("to see folders (folders:read)"):
            return {each["uid"]: each["title"] for each in self._all(self._api.folder.get_all_folders)}

    def has_folder(self, uid: str) -> bool:
        """Whether there is a folder of that uid, below others too."""
        with self._refusals("to see folders (folders:read)"):
            return self._or_none(lambda: self._api.folder.get_folder(uid)) is not None

    def make_folder(self, uid: str, title: str) -> None:
        """Make a folder at the root."""
        with self._refusals(f"to make the folder {title!r} (folders:create)"):
            self._api.folder.create_folder(title, uid)

    def board(self, uid: str) -> Live | None:
        """The dashboard under a uid; None where there is none."""
        with self._refusals("to see dashboards (dashboards:read)"):
            answer = self._or_none(lambda: self._api.dashboard.get_dashboard(uid))
            if answer is None:
                return None
            found = self._object(answer)
            meta = found["meta"]
            return Live(
                content=found["dashboard"],
                version=int(found["dashboard"].get("version") or meta.get("version") or 0),
                folder=meta.get("folderUid") or "",
                provisioned=bool(meta.get("provisioned")),
                written=self._latest(uid),
            )

    def save(self, content: Mapping[str, Any], version: int, folder: str, message: str) -> None:
        """Store a dashboard in a folder, unless somebody has changed it since it had `version`."""
        body = {
            "dashboard": {**content, "id": None, "version": version},
            "folderUid": folder,
            "message": message,
            "overwrite": False,
        }
        with self._refusals(f"to write {content['title']!r} (dashboards:create, dashboards:write)"):
            self._api.dashboard.update_dashboard(body)

    def sources(self) -> list[str] | None:
        """Names of the Prometheus data sources; None where the token may not see any."""
        with self._refusals("to see data sources (datasources:read)"):
            found = self._or_none(self._api.datasource.list_datasources, NOT_SHOWN)
        if found is None:
            return None
        return [each["name"] for each in found if each["type"] == "prometheus"]

    def _latest(self, uid: str) -> Mapping[str, Any] | None:
        """What the history says of the latest version."""
        found = self._or_none(
            lambda: self._api.dashboard_versions.get_dashboard_versions_by_uid(uid), NOT_SHOWN
        )
        versions = (
            found.get("versions") if isinstance(found, dict) else found
        )  # a bare list before Grafana 11
        return max(versions, key=lambda each: int(each["version"])) if versions else None

    @staticmethod
    def _or_none(ask: Callable[[], Any], means_none: tuple[int, ...] = (NOT_FOUND,)) -> Any:  # noqa: ANN401
        """What is answered; None where the answer is one of these status codes."""
        try:
            return ask()
        except GrafanaClientError as error:
            if error.status_code in means_none:
                return None
            raise

    def _all(self, ask: Callable[[], Any]) -> list[dict[str, Any]]:
        found = ask()
        if not isinstance(found, list):
            raise self._no_grafana()
        return found

    def _object(self, found: object) -> dict[str, Any]:
        if not (isinstance(found, dict) and {"dashboard", "meta"} <= set(found)):
            raise self._no_grafana()
        return found

    def _no_grafana(self) -> GrafanaRefused:
        return GrafanaRefused(
            f"{self.url} does not answer as Grafana does: GRAFANA_URL must be the address that opens it in a"
            " browser, with its path and without a redirect"
        )

    @contextmanager
    def _refusals(self, right: str) -> Iterator[None]:
        """Every refusal as a sentence; `right` is what the token must be allowed to do."""
        try:
            yield
        except requests.exceptions.SSLError as error:
            raise GrafanaRefused(
                f"{self.url}: its certificate is not trusted: name the file of the authority that signed it"
                f" in GRAFANA_CA_FILE ({in_one_line(error)})"
            ) from error
        except requests.exceptions.TooManyRedirects as error:
            raise self._no_grafana() from error
        except requests.exceptions.JSONDecodeError as error:
            raise self._no_grafana() from error
        except OSError as error:  # requests' own errors are
            raise GrafanaRefused(
                f"{self.url} cannot be reached: is GRAFANA_URL right, and does Grafana run?"
                f" ({in_one_line(error)})"
            ) from error
        except GrafanaException as error:
            raise GrafanaRefused(self._what_to_do(error, right)) from error

    def _what_to_do(self, error: GrafanaException, right: str) -> str:
        said = in_one_line(Exception(_said(error.response)))
        match error.status_code:
            case 401:
                return (
                    f"{self.url} does not know the token: it was revoked, has expired, or is another's."
                    " Make one for a service account (Administration, Service accounts) and put it into"
                    f" GRAFANA_TOKEN_FILE ({said})"
                )
            case 403:
                return (
                    f"{self.url} does not allow the token {right}: give its service account the role Editor"
                    f" ({said})"
                )
            case 409:
                return f"{self.url} has it already, or is changing it: run the command again ({said})"
            case 412:
                return (
                    f"{self.url}: somebody has changed it in this moment; nothing of theirs was overwritten."
                    f" Run the command again, and look at `segwatch dashboards diff` ({said})"
                )
            case _:
                return f"{self.url} refuses {right}: {error.status_code} {said}"


def _said(response: object) -> str:
    if isinstance(response, dict):
        return str(response.get("message") or json.dumps(response))
    return str(response)
