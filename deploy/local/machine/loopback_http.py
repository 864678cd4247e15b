"""HTTP requests to the stack's programs on loopback."""

import http.client
import json
import ssl
from typing import Any

from deploy.local.machine.ports import LOOPBACK


def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    seconds: float = 2.0,
    context: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """Status and body of the answer; status 0 where nothing answers. With a context, over TLS."""
    connection = (
        http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
        if context is None
        else http.client.HTTPSConnection(LOOPBACK, port, timeout=seconds, context=context)
    )
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def is_ok(port: int, path: str) -> bool:
    """Whether the answer is 200."""
    return request(port, path)[0] == 200


def get_json(port: int, path: str, *, context: ssl.SSLContext | None = None) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The answer's JSON; None where nothing answers or the answer is no success."""
    status, body = request(port, path, context=context)
    try:
        return json.loads(body) if status == 200 else None
    except ValueError:
        return None
