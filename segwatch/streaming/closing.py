"""Ends that do not hang: closed by `with` or by hand, twice if need be, and in bounded time."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

CLOSE_SECONDS = 4.0
"""How long closing may take: kafka-python's close can hang with the broker away, and whoever asked for the
end (Kubernetes, a supervisor) waits 30 s for everything."""

_log = logging.getLogger(__name__)


class Closes(ABC):
    """Base of the adapters' classes: they say in `_close` what is to be done once."""

    def __init__(self) -> None:
        self._closed = False

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _close(self) -> None: ...


def bounded(close: Callable[[], None], what: str) -> bool:
    """Close something in at most CLOSE_SECONDS, and say whether it did."""

    def closing() -> None:
        try:
            close()
        except Exception as error:  # noqa: BLE001 - nothing may keep a process from ending
            _log.warning("%s did not close well: %s", what, error)

    thread = threading.Thread(target=closing, name=f"segwatch-close {what}", daemon=True)
    thread.start()
    thread.join(CLOSE_SECONDS)
    if thread.is_alive():
        _log.warning("%s did not close within %g s", what, CLOSE_SECONDS)
    return not thread.is_alive()
