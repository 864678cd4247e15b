"""A server that speaks Grafana's HTTP API, as far as dashboards need it: permissions, versions and conflicts.

As https://grafana.com/docs/grafana/latest/developers/http_api/ has them, on its pages dashboard,
dashboard_versions, folder, folder_dashboard_search and data_source.
"""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

EDITOR, VIEWER, ADMIN = "Editor", "Viewer", "Admin"
Answer = tuple[int, Any]


@dataclass
class Stored:
    """One dashboard: every version, the newest last."""

    folder: str
    provisioned: bool = False
    versions: list[dict[str, Any]] = field(default_factory=list)


class GrafanaServer:
    """Serves on a free port of loopback, as a context.

    Attributes:
        tokens: the role of each token's service account.
        folders: titles by uid. boards: by uid. sources: the data sources.
        requests: method and path of everything that was asked.
        before_save: called before a dashboard is stored, for what happens in between.
        history: whether versions are shown.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tokens = {"editors": EDITOR, "viewers": VIEWER, "admins": ADMIN}
        self.folders: dict[str, str] = {}
        self.boards: dict[str, Stored] = {}
        self.sources: list[dict[str, Any]] = [
            {"id": 1, "uid": "p", "name": "Prometheus", "type": "prometheus"}
        ]
        self.requests: list[tuple[str, str]] = []
        self.before_save: Callable[[], None] = lambda: None
        self.history = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*server.get(self.path, self._role()))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(*server.post(self.path, self._role(), body))

            def _role(self) -> str | None:
                server.requests.append((self.command, self.path))
                return server.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

            def _answer(self, status: int, said: Any) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def writes(self) -> int:
        """How many requests wanted to change something."""
        return sum(method != "GET" for method, _ in self.requests)

    def edit(self, uid: str, change: Callable[[dict[str, Any]], None], message: str = "") -> None:
        """A person changes a dashboard in the browser."""
        latest = self.boards[uid].versions[-1]
        content = json.loads(json.dumps(latest["data"]))
        change(content)
        self._store(uid, content, message, "mary")

    def get(self, path: str, role: str | None) -> Answer:
        """The answer to a GET."""
        if role is None:
            return 401, {"message": "Invalid API key"}
        parts = urlsplit(path)
        match parts.path.strip("/").split("/")[1:]:
            case ["folders"]:
                return 200, [
                    {"id": n, "uid": u, "title": t} for n, (u, t) in enumerate(self.folders.items(), 1)
                ]
            case ["folders", uid] if uid in self.folders:
                return 200, {"uid": uid, "title": self.folders[uid], "version": 1}
            case ["folders", _]:
                return 404, {"message": "folder not found", "status": "not-found"}
            case ["dashboards", "uid", uid] if uid in self.boards:
                return 200, self._shown(uid)
            case ["dashboards", "uid", uid, "versions"] if uid in self.boards and self.history:
                return self._versions(uid, role)
            case ["search"]:
                return 200, self._found(parse_qs(parts.query))
            case ["datasources"]:
                if role != ADMIN:
                    return _denied("datasources:read")
                return 200, self.sources
        return 404, {"message": "Dashboard not found" if "dashboards" in parts.path else "Not found"}

    def post(self, path: str, role: str | None, body: dict[str, Any]) -> Answer:
        """The answer to a POST."""
        if role is None:
            return 401, {"message": "Invalid API key"}
        match path.strip("/").split("/")[1:]:
            case ["folders"]:
                if role == VIEWER:
                    return _denied("folders:create")
                if body["uid"] in self.folders or body["title"] in self.folders.values():
                    return 409, {"message": "a folder with that name already exists"}
                self.folders[body["uid"]] = body["title"]
                return 200, {"uid": body["uid"], "title": body["title"], "version": 1}
            case ["dashboards", "db"]:
                return self._save(role, body)
        return 404, {"message": "Not found"}

    def _save(self, role: str, body: dict[str, Any]) -> Answer:
        if role == VIEWER:
            return _denied("dashboards:write")
        self.before_save()
        content, folder = body["dashboard"], body.get("folderUid", "")
        uid = content["uid"]
        if folder and folder not in self.folders:
            return 400, {"message": "folder not found", "status": "not-found"}
        there = self.boards.get(uid)
        if there and there.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if there and content.get("version") != there.versions[-1]["version"] and not body.get("overwrite"):
            return 412, {
                "status": "version-mismatch",
                "message": "The dashboard has been changed by someone else",
            }
        self.boards.setdefault(uid, Stored(folder)).folder = folder
        version = self._store(uid, content, body.get("message", ""), "sa-segwatch")
        return 200, {"uid": uid, "status": "success", "version": version, "id": 1, "url": f"/d/{uid}"}

    def _store(self, uid: str, content: dict[str, Any], message: str, by: str) -> int:
        stored = self.boards[uid]
        version = len(stored.versions) + 1
        data = {**content, "id": 1, "version": version}
        created = f"2026-11-28T0{version}:00:00Z"
        stored.versions.append(
            {"version": version, "message": message, "createdBy": by, "created": created, "data": data}
        )
        return version

    def _shown(self, uid: str) -> dict[str, Any]:
        stored = self.boards[uid]
        return {
            "dashboard": stored.versions[-1]["data"],
            "meta": {"folderUid": stored.folder, "provisioned": stored.provisioned, "canSave": True},
        }

    def _versions(self, uid: str, role: str) -> Answer:
        if role == VIEWER:
            return _denied("dashboards:write")
        shown = [{k: v for k, v in each.items() if k != "data"} for each in self.boards[uid].versions]
        return 200, {"continueToken": "", "versions": shown[::-1]}

    def _found(self, asked: dict[str, list[str]]) -> list[dict[str, Any]]:
        query = asked.get("query", [""])[0].lower()
        return [
            {
                "uid": uid,
                "title": each.versions[-1]["data"]["title"],
                "type": "dash-db",
                "folderUid": each.folder,
            }
            for uid, each in self.boards.items()
            if query in each.versions[-1]["data"]["title"].lower()
        ]


def _denied(action: str) -> Answer:
    return 403, {
        "accessErrorId": "ACE0",
        "title": "Access denied",
        "message": f"You'll need additional permissions to perform this action. Permissions needed: {action}",
    }
