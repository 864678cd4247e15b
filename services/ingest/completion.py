"""When an entry of the inbox is complete.

DICOM has no sign for it. An entry is complete when nothing has changed for the quiet time and everything that
brought images of it over the network has ended well. Where it is known how many images there are, the count
decides. What is neither for very long is taken as it is, and is incomplete.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from segwatch.ingest.inbox import CARRIED
from services.ingest.case import ARRIVED_BY
from services.ingest.inbox import Fingerprint

Stillness = Literal["still", "carried", "forced"]
"""Nothing changes, and all has ended well; nothing changes, but something that carried it has not ended well;
nothing has changed for so long that it is taken as it is."""


@dataclass(frozen=True)
class QuietTimes:
    """How long nothing must change, in seconds.

    Attributes:
        network: for what came over the network.
        folder: for what somebody put into the folder.
        forced: after so long an entry that is not complete is taken as it is.
    """

    network: float = 60.0
    folder: float = 5.0
    forced: float = 1800.0

    def of(self, files: Fingerprint) -> float:
        """The quiet time of an entry."""
        return self.network if any(name == ARRIVED_BY for name, _, _ in files) else self.folder


class Completion:
    """Remembers since when each entry has looked as it does now.

    Time is this process's own monotonic clock: file times may lie (copied with the files, or another
    machine's). After a restart every entry is watched for the quiet time again.
    """

    def __init__(self, times: QuietTimes) -> None:
        self._times = times
        self._since: dict[str, tuple[Fingerprint, float]] = {}
        self._postponed: dict[str, float] = {}

    def complete(self, entries: Mapping[str, Fingerprint], now: float) -> dict[str, Stillness]:
        """The entries that may be taken, by name, and how still they are. Empty ones never are.

        Examples:
            >>> completion, entry = Completion(QuietTimes(folder=5)), {"case": (("ct.nii.gz", 10, 1),)}
            >>> completion.complete(entry, now=0), completion.complete(entry, now=5)
            ({}, {'case': 'still'})
        """
        before = self._since
        self._since = {
            name: before[name] if name in before and before[name][0] == files else (files, now)
            for name, files in entries.items()
        }
        self._postponed = {
            name: until
            for name, until in self._postponed.items()
            if self._since.get(name) == before.get(name)
        }
        states = {name: self._state(name, now) for name in sorted(self._since)}
        return {name: state for name, state in states.items() if state is not None}

    def forget(self, name: str) -> None:
        """Watch the entry for the quiet time again."""
        self._since.pop(name, None)
        self._postponed.pop(name, None)

    def postpone(self, name: str, now: float) -> None:
        """The entry is not complete, though it is still: look again after another quiet time."""
        if name in self._since:
            self._postponed[name] = now + self._times.of(self._since[name][0])

    def _state(self, name: str, now: float) -> Stillness | None:
        files, since = self._since[name]
        carried = {PurePosixPath(file).parts[0] == CARRIED for file, _, _ in files}
        if False not in carried or now - since < self._times.of(files):
            return None
        if now < self._postponed.get(name, now):
            return None
        if (True in carried or name in self._postponed) and now - since >= self._times.forced:
            return "forced"
        return "carried" if True in carried else "still"
