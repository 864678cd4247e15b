"""Waiting for something, but not for ever."""

import time
from collections.abc import Callable


def comes_true(holds: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Whether something holds now or within so many seconds; looks again after each pause."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
