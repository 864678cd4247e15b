"""Where the store's bytes lie: a local folder, written atomically, or any other fsspec file system."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from segwatch.errors import StoreUnavailable
from segwatch.files import whole_file


class Backend(Protocol):
    """A flat space of keys. A key's bytes are there as a whole or not at all."""

    def read(self, key: str) -> bytes | None:
        """The bytes under the key, or None where there is no such key.

        Raises:
            StoreUnavailable: the store is away, so nothing can be said about the key.
        """
        ...

    def size(self, key: str) -> int | None:
        """How many bytes lie under the key, or None; raises as `read` does."""
        ...

    def write(self, key: str, parts: Iterable[bytes]) -> None:
        """Put bytes, one part behind the other, under the key, in place of what lay there; durable when this
        returns.
        """
        ...


class LocalFolder:
    """A folder of this machine, or one mounted into it, which somebody has made.

    It is never made here: a service that starts while the disk is away would put a folder in its place, and
    nobody would find its objects again when the disk is back. Until it is there, the store is away. A link
    that leads out of it is not followed: whoever can write there could have other files read, or overwritten.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> bytes | None:
        with self._explained():
            return (self._root / key).read_bytes() if self._holds(key) else None

    def size(self, key: str) -> int | None:
        with self._explained():
            return (self._root / key).stat().st_size if self._holds(key) else None

    def write(self, key: str, parts: Iterable[bytes]) -> None:
        """Written beside its place, flushed to the disk, then renamed: no reader sees half of it."""
        with self._explained():
            self._holds(key)
            path = self._root / key
            self._make_folders(path.parent)
            if not self._inside(path.parent):
                raise StoreUnavailable(f"{path.parent} leads out of the store; take the link away")
            with whole_file(path, durable=True) as beside, beside.open("wb") as file:
                file.writelines(parts)

    def _holds(self, key: str) -> bool:
        """Whether the key is there; a root that is gone means that the disk is, not the object."""
        path = self._root / key
        if path.is_file():
            return self._inside(path)
        if not self._root.is_dir():
            raise StoreUnavailable(
                f"the store's folder {self._root} is not there: mount its volume, or make it"
            )
        return path.is_file() and self._inside(path)  # the disk may have come back between the two looks

    def _make_folders(self, folder: Path) -> None:
        """Every folder below the root, but never the root: should its disk go at this moment, a new root in
        its place would take objects that nobody finds again when the disk is back.
        """
        if not folder.is_dir():
            below = folder.relative_to(self._root)
            for part in (*reversed(below.parents[:-1]), below):
                (self._root / part).mkdir(exist_ok=True)

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root.resolve())

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"the store {self._root} does not work ({error.strerror or error}); check its disk and rights"
            ) from error


class Remote:
    """Any other fsspec file system (S3 and the like), where a write is all or nothing by itself."""

    def __init__(self, files: Any, root: str) -> None:  # noqa: ANN401 - fsspec carries no types
        self._files = files
        self._root = PurePosixPath(root)

    def read(self, key: str) -> bytes | None:
        with self._explained(), contextlib.suppress(FileNotFoundError):
            return bytes(self._files.cat_file(str(self._root / key)))
        return None

    def size(self, key: str) -> int | None:
        with self._explained(), contextlib.suppress(FileNotFoundError):
            return int(self._files.info(str(self._root / key))["size"])
        return None

    def write(self, key: str, parts: Iterable[bytes]) -> None:
        path = self._root / key
        with self._explained():
            self._files.makedirs(str(path.parent), exist_ok=True)
            self._files.pipe_file(str(path), b"".join(parts))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise StoreUnavailable(
                f"the store {self._root} does not answer ({type(error).__name__}: {error}); "
                "check its address and credentials"
            ) from error
