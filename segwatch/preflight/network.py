"""Names, ports and proxies: whether an address can be reached from here, and what stands in between."""

import os
import socket
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from segwatch.preflight.findings import Finding, fault, ok

PATIENCE_SECONDS = 3.0
"""A network that drops packets shows by silence; one that works answers in milliseconds."""
PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
BEYOND_THE_PROXY = (
    "neither Kafka's clients nor DICOM go by a proxy: have a direct door opened, or relay it"
    " (docs/operations/firewall.md)"
)


def proxy_of(environment: Mapping[str, str] = os.environ) -> str | None:
    """The proxy that this machine is told to use."""
    return next((environment[name] for name in PROXIES if environment.get(name)), None)


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        ValueError: it is none.
    """
    host, _, port = address.strip().rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)


def reach(address: str, called: str, proxy: str | None = None) -> Finding:
    """Whether a TCP connection to `host:port` comes about.

    Args:
        address: where.
        called: what stands there, for the sentence.
        proxy: an HTTP proxy that is tried where there is no direct way.
    """
    host, port = split(address)
    where = f"{called} at {address}"
    try:
        socket.create_connection((host, port), timeout=PATIENCE_SECONDS).close()
    except OSError as error:
        if proxy is not None and goes_through(proxy, host, port):
            return fault(
                "proxy", f"{where} is reached through the proxy {_shown(proxy)} only", BEYOND_THE_PROXY
            )
        return _unreached(error, host, port, where)
    return ok("port", f"{where} takes connections")


def goes_through(proxy: str, host: str, port: int) -> bool:
    """Whether an HTTP proxy opens a tunnel to there (CONNECT, RFC 9110 9.3.6)."""
    at = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if at.hostname is None:
        return False
    try:
        with closing(socket.create_connection((at.hostname, at.port or 3128), PATIENCE_SECONDS)) as tunnel:
            tunnel.settimeout(PATIENCE_SECONDS)
            tunnel.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            return tunnel.recv(64).split()[1:2] == [b"200"]
    except OSError:
        return False


def _unreached(error: OSError, host: str, port: int, where: str) -> Finding:
    if isinstance(error, socket.gaierror):
        return fault(
            "dns", f"{where}: this machine's DNS knows no {host}", f"add {host} to the DNS, or to /etc/hosts"
        )
    if isinstance(error, ConnectionRefusedError):
        return fault(
            "port", f"{where}: nothing listens there", f"start it, or mend the address; port {port}/tcp"
        )
    said = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return fault("port", f"{where}: {said}", f"open {port}/tcp from here to {host} in the firewall")


def _shown(proxy: str) -> str:
    """The proxy without a password."""
    at = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{at.hostname}:{at.port or 3128}"
