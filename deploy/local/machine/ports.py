"""Free ports on loopback."""

import random
import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000
"""Below Linux' ephemeral range (32768 to 60999): no outgoing connection can take the port of a server
that is being restarted."""


def free_ports(count: int) -> list[int]:
    """`count` different ports on loopback that nothing listens on now.

    Raises:
        OSError: no free port was found.
    """
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(range(LOWEST, HIGHEST), 1000):
            if len(found) == count:
                break
            probe = held.enter_context(socket.socket())
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            found.append(port)
    if len(found) < count:
        raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST} on {LOOPBACK}")
    return found


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
