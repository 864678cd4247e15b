"""A hospital's inbox, as the one who brings cases sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_case(inbox: Path, name: str) -> Iterator[Path]:
    """Where a case is to be made, in the inbox but hidden; it appears there, whole, when the context ends.

    Args:
        inbox: the watched folder.
        name: the case's, in the inbox.
    """
    hidden = inbox / f".tmp-{name}"
    yield hidden
    hidden.rename(inbox / name)


def waiting(inbox: Path) -> int:
    """How many entries of the inbox have not been taken yet."""
    return sum(1 for entry in inbox.iterdir() if not entry.name.startswith("."))
