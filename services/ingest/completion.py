"""When an entry of the inbox is complete: DICOM has no sign for it, so it is when nothing changes."""

from collections.abc import Mapping

Fingerprint = tuple[tuple[str, int, int], ...]
"""Every file of an entry: path inside it, size, time of last change in ns."""


class Completion:
    """Remembers since when each entry has looked as it does now.

    Time is this process's own monotonic clock: file times may lie (copied with the files, or another
    machine's). After a restart every entry is watched for the quiet time again.
    """

    def __init__(self, quiet_seconds: float) -> None:
        self._quiet = quiet_seconds
        self._since: dict[str, tuple[Fingerprint, float]] = {}

    def complete(self, entries: Mapping[str, Fingerprint], now: float) -> list[str]:
        """The entries that have been still for the quiet time, sorted by name. Empty ones never are.

        Examples:
            >>> completion, entry = Completion(5), {"case": (("ct.nii.gz", 10, 1),)}
            >>> completion.complete(entry, now=0), completion.complete(entry, now=5)
            ([], ['case'])
        """
        self._since = {
            name: self._since[name] if name in self._since and self._since[name][0] == files else (files, now)
            for name, files in entries.items()
        }
        return sorted(
            name for name, (files, since) in self._since.items() if files and now - since >= self._quiet
        )

    def forget(self, name: str) -> None:
        """Watch the entry for the quiet time again."""
        self._since.pop(name, None)
