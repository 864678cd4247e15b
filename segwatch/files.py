"""Files that are there whole or not at all, and results that a run which was stopped finds again.

What is unfinished has a name that begins with a dot: no reader of folders takes it for a case.
"""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

Task = TypeVar("Task")
Result = TypeVar("Result")
Arrays = Mapping[str, NDArray[Any]]


@contextmanager
def whole_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Where to write what becomes `path` when the block ends, and is gone where the block fails.

    Args:
        path: replaced where it is there. Its folder must be there.
        durable: whether the file outlasts a power cut once the block has ended.
    """
    beside = _beside(path)
    try:
        yield beside
        if durable:
            flush(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)  # also a second hard link to `path`, which replaces nothing
    if durable:
        flush(path.parent)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which becomes `folder` when the block ends, and is gone where the block fails.

    Raises:
        OSError: `folder` is there with content.
    """
    beside = _beside(folder)
    beside.mkdir(parents=True)
    try:
        yield beside
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file, text in UTF-8, so that nobody sees half of it."""
    with whole_file(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def flush(path: Path) -> None:
    """Make a file's content, or the names in a folder, outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Finished(Generic[Result]):
    """Results that are done, one a file. Each lies under a key that says all that it was made from.

    Attributes:
        folder: made with the first result.
        suffix: of the files. encode, decode: what is in them.
    """

    folder: Path
    suffix: str
    encode: Callable[[Result], bytes]
    decode: Callable[[bytes], Result]

    def get(self, key: str) -> Result | None:
        """The result under a key; None where there is none, or a damaged one."""
        try:
            return self.decode((self.folder / f"{key}{self.suffix}").read_bytes())
        except Exception:  # noqa: BLE001 - whatever is wrong with the file, the result is made again
            return None

    def put(self, key: str, result: Result) -> None:
        """Keep a result under a key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{key}{self.suffix}", self.encode(result))

    def resume(
        self,
        tasks: Sequence[Task],
        key: Callable[[Task], str],
        make: Callable[[list[Task]], Iterable[tuple[Task, Result]]],
    ) -> Iterator[tuple[Task, Result]]:
        """Each task with its result: first those that are done, then the others as `make` finishes them.

        Keys are taken before anything is made: what changes meanwhile belongs to another key.
        """
        keys = {task: key(task) for task in tasks}
        missing = []
        for task in tasks:
            known = self.get(keys[task])
            if known is None:
                missing.append(task)
            else:
                yield task, known
        for task, result in make(missing):
            self.put(keys[task], result)
            yield task, result


def csv_delimiter(head: str) -> str:
    """Of a CSV by its first line: a semicolon, as many spreadsheets write it, where there is no comma."""
    return ";" if ";" in head and "," not in head else ","


def finished_rows(folder: Path) -> Finished[dict[str, Any]]:
    """Results that JSON can carry."""
    return Finished(folder, ".json", _as_json, json.loads)


def finished_arrays(folder: Path) -> Finished[Arrays]:
    """Results that are named arrays."""
    return Finished(folder, ".npz", pack_arrays, unpack_arrays)


def pack_arrays(arrays: Arrays) -> bytes:
    """Named arrays as NumPy's .npz."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]  # numpy types its option alone
    return packed.getvalue()


def unpack_arrays(packed: bytes) -> dict[str, NDArray[Any]]:
    """What `pack_arrays` packed; nothing in it is run."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return dict(arrays)


def size_and_time(path: Path) -> tuple[int, int]:
    """A file's bytes and when it was last changed (ns): what says, without reading it, that it is another."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _as_json(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode()


def _beside(path: Path) -> Path:
    """Two writers never share it, and it is no longer than a name may be."""
    return path.with_name(f".{uuid4().hex}.tmp")
