"""Ports on loopback that stay with who reserved them."""

import random
import socket
import sys

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000
"""Below Linux' ephemeral range (32768 to 60999), from which the system gives ports away by itself."""


def reserve_ports(count: int) -> list[int]:
    """`count` different ports on loopback that nothing listens on.

    Each stays bound here, without listening, as long as this process lives: so nobody else finds it free, be
    it before the program that it is for has bound it, or while that program is started again. Linux lets a
    program listen there all the same where it sets SO_REUSEADDR, as servers do. Other systems would refuse
    it, so there the port is only looked at.

    Raises:
        OSError: no free port was found.
    """
    found: list[int] = []
    for port in random.sample(range(LOWEST, HIGHEST), 1000):
        if len(found) == count:
            break
        if _reserve(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST} on {LOOPBACK}")
    return found


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _reserve(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        if sys.platform == "linux":
            # Only now: with it, binding would not fail on a port that another run has reserved.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.detach()  # open, and in nobody's hands, until this process ends
    return True
