"""STOW-RS: instances by HTTP (DICOM PS3.18 10.5), `POST /studies` and `POST /studies/{study}`."""

import hmac
import logging
import socket
import ssl
import threading
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from segwatch.errors import BadSettings
from services.ingest.multipart import BadRequest, Parts
from services.ingest.spool import Sender, Spool
from services.ingest.stow_part import Stored, StowPart, answer, status_of

MOST_REQUESTS = 8
"""At the same time; a further one is told to come again (503)."""
CLOSE_SECONDS = 4
RETRY_AFTER_SECONDS = 60
"""When a sender that found no room may come again."""

_log = logging.getLogger(__name__)


def stow_app(spool: Spool, token: str | None, called: Mapping[str, str] | None = None) -> Starlette:
    """The web application. With a token, requests must bear it (RFC 6750).

    Args:
        called: further addresses, `/NAME/studies`, and the title of C-STORE that each stands for.
    """
    titles = called or {}

    async def store(request: Request) -> Response:
        if token is not None and not _bears(request, token):
            return PlainTextResponse("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"})
        door = request.path_params.get("door")
        if door is not None and door not in titles:
            return PlainTextResponse(f"here are /studies and {', '.join(titles)} before it\n", 404)
        try:
            parts = await _receive(request, spool, None if door is None else titles[door])
        except BadRequest as error:
            return PlainTextResponse(f"{error}\n", error.status)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return _answered(parts)

    paths = [f"{top}/studies{end}" for top in ("", "/{door}") for end in ("", "/{study}")]
    return Starlette(routes=[Route(path, store, methods=["POST"]) for path in paths])


async def _receive(request: Request, spool: Spool, called: str | None) -> list[Stored]:
    """Keep the request's instances as they come; those before a fault stay kept."""
    done: list[Stored] = []
    study: str | None = request.path_params.get("study")
    carrier = spool.carriers.begin()
    sender = Sender("stow-rs", carrier, called)
    try:
        parts = Parts(request.headers.get("content-type", ""), lambda: StowPart(spool, sender, study, done))
        try:
            async for chunk in request.stream():
                await run_in_threadpool(parts.feed, chunk)
            parts.finish()
        finally:
            await run_in_threadpool(parts.close)
        await run_in_threadpool(carrier.end)
    finally:
        await run_in_threadpool(carrier.break_off)  # nothing, where it has ended well
    return done


def _answered(parts: list[Stored]) -> Response:
    status = status_of(parts)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    if status != 200:
        failed = sum(part.failure is not None for part in parts)
        _log.warning("STOW-RS answered %d: %d of %d parts failed", status, failed, len(parts))
    return JSONResponse(answer(parts), status, headers, media_type="application/dicom+json")


def _bears(request: Request, token: str) -> bool:
    said = request.headers.get("authorization", "")
    return hmac.compare_digest(said.encode(), f"Bearer {token}".encode())


class StowServer:
    """Listens until closed, in a thread of its own.

    Raises:
        BadSettings: the port cannot be had.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        host: str,
        port: int,
        token: str | None,
        called: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        try:
            self._socket = socket.create_server(
                (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            )
        except OSError as error:
            raise BadSettings(
                f"SEGWATCH_HTTP_HOST={host} SEGWATCH_STOW_PORT={port} cannot be listened on:"
                f" {error.strerror or error}; take another port"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            stow_app(spool, token, called),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=MOST_REQUESTS,
            timeout_graceful_shutdown=CLOSE_SECONDS,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="segwatch-stow", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Finish what is being received, in bounded time, and stop listening."""
        self._server.should_exit = True
        self._thread.join(CLOSE_SECONDS + 1)
        self._socket.close()
