"""Ends the process when its main loop stands still, so that the supervisor can start it again.

A call into a client library may never come back (kafka-python's close with unsent data does not), and no
time-out inside the process helps against that. The main loop says `feed` on every round and around calls.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

EXIT_WATCHDOG = 70
"""The exit code of a process that its watchdog ended (sysexits.h EX_SOFTWARE)."""
CHECKS_PER_TERM = 10
"""How often a term is looked at: the end comes at most a tenth of the term late."""

_log = logging.getLogger(__name__)


class Watchdog:
    """Watches one thread: the one that makes it.

    Args:
        seconds: how long it may stand still.
        end: what ends the process; never returns.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        seconds: float,
        *,
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._end = end
        self._clock = clock
        self._fed_at = clock()
        self._watched = threading.get_ident()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="segwatch-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def feed(self) -> None:
        """The main loop moves."""
        self._fed_at = self._clock()

    def hungry(self) -> bool:
        """Whether the main loop has stood still for longer than it may."""
        return self._clock() - self._fed_at > self._seconds

    def close(self) -> None:
        """Stop watching; closing twice does nothing."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(self._seconds / CHECKS_PER_TERM):
            if self.hungry():
                _log.critical(
                    "the main loop has stood still for more than %g s: ending the process with code %d",
                    self._seconds,
                    EXIT_WATCHDOG,
                    extra={"stood_at": self._where()},
                )
                self._end(EXIT_WATCHDOG)
                return

    def _where(self) -> str:
        frame = sys._current_frames().get(self._watched)
        return "".join(traceback.format_stack(frame)[-8:]) if frame else "the thread is gone"
