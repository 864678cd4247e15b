"""Being asked to stop: how long a study in hand is given, and what is done before anything is in hand."""

import json
import os
import signal
import sys
from types import FrameType

GRACE_SECONDS = 570.0
"""For a study in hand after the request to stop: segmentation takes minutes, and what is handed back is begun
again. A study that is not done then is handed back."""
CLOSING_SECONDS = 30.0
"""For all that is closed after that, each in bounded time."""
TERMINATION_SECONDS = round(GRACE_SECONDS + CLOSING_SECONDS)
"""What whoever ends us must grant before it kills: Kubernetes, compose, a supervisor (held by a test)."""


def heed(module: str) -> None:
    """Where `module` is the program itself, end at once when asked to, from now on.

    A container's first process ignores a SIGTERM that it has no handler for, and services import for seconds:
    so this stands before their imports. Nothing is in hand then. The runtime has its own handlers later.
    """
    if module == "__main__":
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    line = {"level": "INFO", "message": f"asked to stop by {signal.Signals(number).name} before the start"}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()
    os._exit(0)
