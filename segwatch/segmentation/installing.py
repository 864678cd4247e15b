"""Takes a model's bundle in where the services read it: whole, verified, or not at all.

Nothing is loaded, so this needs no torch. The bundles of lesion models, second opinions and scorers hold the
hashes of their files, and lungmask's weights are one file whose hash is given.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from segwatch.contracts.base import ModelIdentity
from segwatch.errors import BadInput, RefusedModel
from segwatch.files import whole_folder
from segwatch.scoring.bundle_files import read_files
from segwatch.segmentation.bundle import MANIFEST, open_opinion, sha256_of
from segwatch.tar_files import unpack

Fill = Callable[[Path], object]


def install(fill: Fill, into: Path, pinned: str | None = None) -> ModelIdentity:
    """Fill a new folder, verify what it holds, and only then let it be seen under its name.

    Args:
        fill: puts the bundle's files into a folder that it is given.
        into: must not exist: a service may be reading it, and a pin names what it held.
        pinned: the sha256 that must come of it: of `manifest.json`, or of the one file of weights.

    Raises:
        BadInput: `into` is there, or cannot be written.
        RefusedModel: naming the file that is missing, was changed or is not in the manifest; nothing is left.
    """
    if into.exists():
        raise BadInput(f"{into} is there already: a model in use is never changed; choose another name")
    try:
        with whole_folder(into) as hidden:
            fill(hidden)
            _out_of_its_only_folder(hidden)
            found = identity(hidden, pinned)
            if pinned is not None and found.sha256 != pinned:
                raise RefusedModel(f"the bundle has the sha256 {found.sha256}, and {pinned} was asked for")
    except OSError as error:
        raise BadInput(f"{into} cannot be written: {error}") from None
    return found


def identity(folder: Path, pinned: str | None = None) -> ModelIdentity:
    """Who the model in a folder is, every file of it held against its hash.

    Raises:
        RefusedModel: a file is not what the manifest says, or there is no manifest and no single pinned file.
    """
    manifest = folder / MANIFEST
    if manifest.is_file():
        scorers = b'"segwatch-scorer/' in manifest.read_bytes()
        return read_files(folder).identity if scorers else open_opinion(folder).identity
    files = [path for path in folder.rglob("*") if path.is_file()]
    if len(files) != 1:
        raise RefusedModel(
            f"{folder.name} is no bundle: it has no {MANIFEST}, and is not one file of weights"
        )
    if pinned is None:
        raise RefusedModel(f"{files[0].name} has no manifest that pins it: give its sha256")
    return ModelIdentity(name=files[0].name, sha256=sha256_of(files[0]))


def lying_in(folder: Path) -> Iterator[tuple[str, str]]:
    """What lies beside each other in a folder of models: each name, and what it is, or why it is refused."""
    for path in sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")):
        try:
            found = identity(path, "any")
            yield path.name, f"{found.name} sha256 {found.sha256}"
        except (RefusedModel, OSError) as error:  # what lies beside a new one is no fault of it
            yield path.name, f"refused: {error}"


def from_folder(source: Path) -> Fill:
    """The files of a folder."""
    if not source.is_dir():
        raise BadInput(f"{source} is no folder")
    return lambda target: shutil.copytree(source, target, dirs_exist_ok=True)


def from_tar(stream: BinaryIO) -> Fill:
    """The files of a tar, compressed or not. Links, devices and paths that lead out are refused."""
    return lambda target: unpack(stream, target, "what came on standard input")


def _out_of_its_only_folder(folder: Path) -> None:
    """A tar of `lesion/` is meant as one of what lies in it."""
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        for path in inside[0].iterdir():
            path.rename(folder / path.name)
        inside[0].rmdir()
