"""What a preflight finds on the wire, planted on loopback: clocks, proxies, TLS servers, shut ports."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from segwatch.streaming.authority import Identity

SINCE_1900 = 2_208_988_800


def shut_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def served_by(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that does this with each connection; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    answer(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


@contextmanager
def tls_server(shown: Identity) -> Iterator[int]:
    """A TLS server that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)

    def shake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with served_by(shake) as port:
        yield port


@contextmanager
def proxy_to_everywhere() -> Iterator[int]:
    """An HTTP proxy that says yes to every CONNECT."""

    def agree(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    with served_by(agree) as port:
        yield port


@contextmanager
def time_server(ahead: float, stratum: int = 1) -> Iterator[int]:
    """An SNTP server whose clock is so many seconds ahead of ours."""
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                request, where = asked.recvfrom(512)
            except OSError:
                return
            if not request.startswith(b"\x23"):
                return
            now = time.time() + ahead + SINCE_1900
            stamp = struct.pack("!II", int(now), int((now % 1) * 2**32))
            asked.sendto(bytes((0x24, stratum)) + 30 * b"\0" + stamp + stamp, where)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked.getsockname()[1]
    finally:
        asked.sendto(b"end", asked.getsockname())
        thread.join(5)
        asked.close()


@contextmanager
def web_page(answers: dict[str, bytes], ahead: float = 0.0) -> Iterator[str]:
    """A web server with these pages, whose clock is so many seconds ahead of ours; its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path.partition("?")[0])
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815 - as http.server calls them

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int((timestamp or time.time()) + ahead))

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
