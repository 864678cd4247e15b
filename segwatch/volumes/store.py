"""The hospital's volume store: what messages refer to instead of carrying it (claim check).

Objects lie under their content's hash, so a second writer writes the same bytes and a late one changes
nothing. Results of costly work lie under the result's id, so that it is done once.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from segwatch.contracts.base import ObjectRef
from segwatch.errors import BadInput, CorruptObject, MissingObject
from segwatch.volumes.backends import Backend, LocalFolder, Remote
from segwatch.volumes.codec import decode_mask, decode_volume, encode_mask, volume_parts
from segwatch.volumes.image import Array, Mask

VOLUME = "b2"
MASK = "b2m"

Result = TypeVar("Result")

_RESULT_ID = re.compile(r"[0-9a-f]{32}")
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


class VolumeStore:
    """Objects and results in a folder or behind a URL that fsspec knows (`s3://bucket/prefix`).

    Every method raises StoreUnavailable when the store is away, full or slow.

    Raises:
        BadInput: nobody knows the URL's scheme, or its driver is not installed.
    """

    def __init__(self, url_or_path: str | Path) -> None:
        self._backend = _backend(str(url_or_path))

    def put(self, data: bytes, suffix: str) -> ObjectRef:
        """Store the bytes and say where they lie. Storing them again changes nothing.

        Raises:
            ValueError: there are no bytes, or the suffix is not one to eight of a to z and 0 to 9.
        """
        if not data or not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"no object to store, or a bad suffix {suffix!r}")
        return self._put_parts(lambda: (data,), suffix)

    def _put_parts(self, parts: Callable[[], Iterable[bytes]], suffix: str) -> ObjectRef:
        """Store what `parts` gives, the same each time: first to know its hash, then to write it. So a volume
        is never in memory a second time.
        """
        digest, size = hashlib.sha256(), 0
        for part in parts():
            digest.update(part)
            size += len(part)
        sha256 = digest.hexdigest()
        reference = ObjectRef(key=_object_key(sha256, suffix), sha256=sha256, bytes=size)
        if not self._has(reference):
            self._backend.write(reference.key, parts())
        return reference

    def _has(self, reference: ObjectRef) -> bool:
        """Whether just these bytes lie there already."""
        if self._backend.size(reference.key) != reference.bytes:
            return False
        return hashlib.sha256(self._backend.read(reference.key) or b"").hexdigest() == reference.sha256

    def get(self, reference: ObjectRef) -> bytes:
        """The bytes that the reference stands for.

        Raises:
            MissingObject: there is no such object. CorruptObject: its bytes are not the ones referred to.
        """
        data = self._read(reference)
        _check(reference, hashlib.sha256(data).hexdigest())
        return data

    def use(self, reference: ObjectRef, work: Callable[[bytes], Result]) -> Result:
        """What `work` makes of the bytes, which are hashed beside it: a large object's hash takes longer
        than to unpack and measure it.

        The result is given out only if the bytes are those referred to; raises as `get` and `work` do.
        `work` must take its bytes as hostile, and do nothing that others see.
        """
        data = self._read(reference)
        with ThreadPoolExecutor(max_workers=1) as beside:
            found = beside.submit(lambda: hashlib.sha256(data).hexdigest())
            try:
                return work(data)
            finally:
                _check(reference, found.result())

    def _read(self, reference: ObjectRef) -> bytes:
        key = _object_key(reference.sha256, reference.key.rpartition(".")[2])
        size = self._backend.size(key)
        if size is not None and size != reference.bytes:
            raise CorruptObject(f"{key} has {size} bytes where the reference says {reference.bytes}")
        data = self._backend.read(key)
        if data is None:
            raise MissingObject(f"the store has no {key}; restore it from a backup, or send the study again")
        return data

    def put_result(self, result_id: str, data: bytes) -> None:
        """Remember a result under its id, in place of an earlier one.

        Two results under one id are equally good: where it matters, the log decides.
        """
        head = hashlib.sha256(data).hexdigest().encode() + b"\n"
        self._backend.write(_result_key(result_id), (head, data))

    def get_result(self, result_id: str) -> bytes | None:
        """The result remembered under the id; None where there is none, or a damaged one."""
        stored = self._backend.read(_result_key(result_id)) or b""
        sha256, _, data = stored.partition(b"\n")
        return data if hashlib.sha256(data).hexdigest().encode() == sha256 else None

    def save_volume(self, array: Array) -> ObjectRef:
        """Store an array (z, y, x); see `codec.encode_volume`."""
        return self._put_parts(lambda: volume_parts(array), VOLUME)

    def load_volume(self, reference: ObjectRef) -> Array:
        """The array (z, y, x) behind the reference; raises as `get` does."""
        return decode_volume(self.get(reference))

    def save_mask(self, mask: Mask) -> ObjectRef:
        """Store a boolean array (z, y, x)."""
        return self.put(encode_mask(mask), MASK)

    def load_mask(self, reference: ObjectRef) -> Mask:
        """The mask (z, y, x) behind the reference; raises as `get` does."""
        return decode_mask(self.get(reference))


def _check(reference: ObjectRef, sha256: str) -> None:
    if sha256 != reference.sha256:
        raise CorruptObject(
            f"{reference.key} does not have its hash; restore it, or send the study again"
        ) from None


def _backend(url: str) -> Backend:
    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise BadInput(
            f"the volume store {url.partition('?')[0]} cannot be used ({error}); give a folder, or a URL "
            "whose driver is installed (the extra s3)"
        ) from None
    return LocalFolder(Path(root)) if isinstance(files, LocalFileSystem) else Remote(files, root)


def _object_key(sha256: str, suffix: str) -> str:
    """The one place where an object with this hash can lie: made of the hash, so inside the store."""
    return f"objects/{sha256[:2]}/{sha256}.{suffix}"


def _result_key(result_id: str) -> str:
    if not _RESULT_ID.fullmatch(result_id):
        raise ValueError(f"not a result's id: {result_id!r}")
    return f"results/{result_id[:2]}/{result_id}"
