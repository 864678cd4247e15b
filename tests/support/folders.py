"""Folders that somebody has made before a service starts."""

from pathlib import Path


def made(folder: Path) -> Path:
    """The folder, which is there now."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
