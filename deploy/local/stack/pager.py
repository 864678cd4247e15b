"""The pager of the local stack: takes what Alertmanager posts and hands it to whoever asks."""

import json
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploy.local.machine.ports import LOOPBACK

LARGEST_POST = 1 << 20


@dataclass(frozen=True)
class Page:
    """One alert of one post of Alertmanager's (webhook format, version 4).

    Attributes:
        whose: whose Alertmanager posted it: the centre's, or a hospital's own.
    """

    whose: str
    at: datetime
    status: str
    alert: str
    site: str | None
    severity: str | None
    summary: str
    description: str


class Pager:
    """An HTTP server on loopback that keeps the pages it is sent."""

    def __init__(self) -> None:
        self._pages: queue.SimpleQueue[Page] = queue.SimpleQueue()
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), LARGEST_POST)
                try:
                    posted = pages_of(
                        json.loads(self.rfile.read(length)), self.path.strip("/"), datetime.now(UTC)
                    )
                except (ValueError, KeyError, TypeError, AttributeError):
                    self.send_error(400)
                    return
                for page in posted:
                    pages.put(page)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the base class's signature
                """Say nothing: the page itself is shown."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True
        )
        self._thread.start()

    def url(self, whose: str) -> str:
        """Where somebody's Alertmanager posts."""
        return f"http://{LOOPBACK}:{self._server.server_port}/{whose}"

    def take(self) -> list[Page]:
        """The pages that came since the last call."""
        taken = []
        while not self._pages.empty():
            taken.append(self._pages.get())
        return taken

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def pages_of(post: dict[str, Any], whose: str, at: datetime) -> list[Page]:
    """The alerts in one post of Alertmanager's.

    Raises:
        KeyError, TypeError, AttributeError: it is no such post.
    """
    return [
        Page(
            whose=whose,
            at=at,
            status=alert["status"],
            alert=alert["labels"]["alertname"],
            site=alert["labels"].get("site"),
            severity=alert["labels"].get("severity"),
            summary=alert.get("annotations", {}).get("summary", ""),
            description=alert.get("annotations", {}).get("description", ""),
        )
        for alert in post["alerts"]
    ]
