"""What lies below a folder, however deep: Python 3.11's `os.walk` and `rglob` end at a thousand levels."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def walk(top: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder from the top down, and what in it is no folder. Links to folders are not followed.

    A folder that cannot be looked into has nothing in it, as with `os.walk`.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        others: list[Path] = []
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                (waiting if entry.is_dir(follow_symlinks=False) else others).append(Path(entry.path))
        yield folder, others
