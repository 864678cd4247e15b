"""How long what is done with stays in the inbox: nothing fills the disk for ever."""

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segwatch.ingest.inbox import ANNOUNCED, ASIDE, RECEIPTS, REJECTED
from services.ingest.spool import Room

HOUR, DAY = 3600.0, 86400.0
SWEEP_SECONDS = 60.0
"""Between two sweeps."""
MAKING_ROOM = (ANNOUNCED, ASIDE)
"""What goes before its time where the disk is full, so that the doors stay open: copies of what is in the
store, then what is no study. What was rejected stays its time: somebody is to look at it."""

_log = logging.getLogger(__name__)


@dataclass
class Retention:
    """Removes what is older than it may be.

    Attributes:
        inbox: the watched folder.
        seconds: how long each of its folders holds what lies there.
        room: how much of the disk stays free.
    """

    inbox: Path
    seconds: Mapping[str, float]
    room: Room
    _swept: float = field(default=float("-inf"))

    def sweep(self, now: float, leaving: Callable[[Path], None] = lambda _: None) -> None:
        """Remove what is due; nothing where that was done a moment ago.

        Args:
            now: seconds since 1970, as the disk's own times are.
            leaving: is shown each examination's folder of announced images before it goes.
        """
        if not 0 <= now - self._swept < SWEEP_SECONDS:
            self._swept = now
            for name, seconds in self.seconds.items():
                for path in _oldest_first(self.inbox / name):
                    if path.stat().st_mtime < now - seconds:
                        _let_go(name, path, leaving)
        self._make_room(leaving)

    def _make_room(self, leaving: Callable[[Path], None]) -> None:
        for name in MAKING_ROOM:
            for path in _oldest_first(self.inbox / name):
                if self.room.left(self.inbox) > 0:
                    return
                _log.warning("removed before its time, since the disk is full", extra={"entry": path.name})
                _let_go(name, path, leaving)


def defaults(announced_hours: float, aside_days: float, rejected_days: float) -> dict[str, float]:
    """The seconds of each folder."""
    return {
        ANNOUNCED: announced_hours * HOUR,
        ASIDE: aside_days * DAY,
        REJECTED: rejected_days * DAY,
        RECEIPTS: rejected_days * DAY,
    }


def _oldest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime)


def _let_go(name: str, path: Path, leaving: Callable[[Path], None]) -> None:
    if name == ANNOUNCED:
        leaving(path)
    _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
