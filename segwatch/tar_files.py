"""Unpacking a tar that somebody gave: files and folders below one folder, and nothing else.

By hand: the `filter` of `tarfile` is not in every Python 3.11 that a distribution has (PEP 706).
"""

import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from segwatch.errors import BadInput


def unpack(stream: BinaryIO, target: Path, called: str) -> None:
    """Unpack a tar, compressed or not, from its beginning to its end.

    A tar vouches for no content: who reads what was in it holds it against hashes.

    Args:
        stream: need not be one that can be read twice.
        target: a folder that is there.
        called: what it is called in messages.

    Raises:
        BadInput: it is broken, or holds a link, a device or a path that leads out.
        OSError: a file cannot be written.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                _unpack(archive, member, target, called)
    except (tarfile.TarError, EOFError) as error:
        raise BadInput(f"{called} is no whole tar ({error}): copy it again") from None


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, called: str) -> None:
    path = target / member.name
    if not path.resolve().is_relative_to(target.resolve()) or not (member.isdir() or member.isfile()):
        raise BadInput(f"{called} holds {member.name}, which is no file or folder below it")
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member)
    if content is not None:
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
