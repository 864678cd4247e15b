"""Rows on disk as they come, so that a run that was stopped goes on where it was."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Rows = dict[str, Any]


class FinishedRows:
    """A file of JSON lines, one a result, under the result's name. A line that was cut off is cut away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{whole}\n" if whole else "")
        self.rows: Rows = dict(map(json.loads, whole.splitlines()))

    def add(self, found: Iterable[tuple[str, Any]]) -> Iterable[str]:
        """Write results down as they come; yields their names."""
        with self._path.open("a") as file:
            for name, row in found:
                self.rows[name] = row
                file.write(json.dumps([name, row]) + "\n")
                file.flush()
                yield name
