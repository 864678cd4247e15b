"""What brings images over the network, an association or a request, from its first image to its end.

Each leaves a mark for each series that it brings, before the first image is acknowledged, and takes it away
when it ends well. A mark that stays behind, after an abort, a lost connection or the death of this process,
says that the series may be a part: until something else has brought images of it later, and has ended well.
"""

import os
import threading
from pathlib import Path
from uuid import uuid4

from segwatch.files import flush
from segwatch.ingest.inbox import CARRIED
from services.ingest.inbox import Inbox


class Carriers:
    """The associations and requests that are open now.

    Attributes:
        marking: held while marks are made or taken away.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.marking = threading.Lock()
        self._open: set[str] = set()
        self._lock = threading.Lock()

    def begin(self) -> "Carrier":
        """One more is open."""
        carrier = Carrier(self, self._inbox.root / CARRIED)
        with self._lock:
            self._open.add(carrier.name)
        return carrier

    def close(self, carrier: "Carrier") -> None:
        """It is not open any more, however it ended."""
        with self._lock:
            self._open.discard(carrier.name)

    def are_open(self) -> set[str]:
        """The names of those that are open."""
        with self._lock:
            return set(self._open)


class Carrier:
    """One association or request."""

    def __init__(self, all_of_them: Carriers, folder: Path) -> None:
        self.name = uuid4().hex
        self._all = all_of_them
        self._folder = folder
        self._turns: list[tuple[str, str]] = []
        """Entry and series, each time that another one than before was brought."""
        self._ended = self._ended_well = False
        self._missed = False

    def missed(self) -> None:
        """An image could not be taken now, so what this brings is not whole, however it ends."""
        self._missed = True

    def brings(self, entry: str, series: str) -> None:
        """An image of the series is about to lie in the entry; the mark is on the disk when this returns."""
        mark = self._mark(entry, series)
        if self._turns and self._turns[-1] == (entry, series) and mark.exists():
            return
        with self._all.marking:
            if not mark.exists():
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
                flush(mark.parent)
                flush(self._folder)
        if not self._turns or self._turns[-1] != (entry, series):
            self._turns.append((entry, series))

    def end(self) -> None:
        """It ended well: what it brought is whole, and so is what was broken off before and it brought again.

        Also after `break_off`: the connection may be seen to close before it is seen that both had agreed to.
        """
        if self._missed:
            self.break_off()
        if self._ended_well or self._missed:
            return
        self._ended = self._ended_well = True
        with self._all.marking:
            for entry, series in set(self._turns):
                mark = self._mark(entry, series)
                began = mark.stat().st_mtime_ns if mark.exists() else 0
                for other in self._broken(entry, series):
                    if other.stat().st_mtime_ns <= began:
                        other.unlink()
                mark.unlink(missing_ok=True)
        self._all.close(self)

    def break_off(self) -> None:
        """It ended by an abort or a lost connection: the series that it was in may be parts.

        A series that it brought in one go before another one is whole.
        """
        if self._ended:
            return
        self._ended = True
        with self._all.marking:
            for entry, series in set(self._turns):
                in_one_go = self._turns.count((entry, series)) == 1
                mark = self._mark(entry, series)
                if in_one_go and self._turns[-1] != (entry, series):
                    mark.unlink(missing_ok=True)
                elif mark.exists():
                    os.utime(mark)  # what begins from now on may mend it
        self._all.close(self)

    def _mark(self, entry: str, series: str) -> Path:
        return self._folder / entry / f"{series}.{self.name}"

    def _broken(self, entry: str, series: str) -> list[Path]:
        """The marks that others have left on a series."""
        still_open = self._all.are_open()
        found = (self._folder / entry).glob(f"{series}.*")
        return [path for path in found if path.name.rpartition(".")[2] not in still_open]
