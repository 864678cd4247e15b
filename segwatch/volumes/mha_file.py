"""MetaImage files (`.mha`), header and voxels in one file, as ITK writes them.

Source: https://itk.org/Wiki/MetaIO/Documentation; axes are LPS, and `TransformMatrix` holds the direction of
one axis after the other. Own code: only ITK reads it else, and its package is larger than all others here.
"""

import contextlib
import io
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError

from segwatch.volumes.hounsfield import compact
from segwatch.volumes.image import MOST_VOXELS, Volume
from segwatch.volumes.nifti import filled, read_to_the_end
from segwatch.volumes.orientation import Affine, Turning, canonical, turning
from segwatch.volumes.refusals import refused

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_DAMAGE: Any = (EOFError, zlib.error, IsalError)
_LONGEST_HEADER = 2**16
_STEP = 2**18
Header = Mapping[str, str]


def read_mha(path: Path) -> Volume:
    """The image in canonical orientation, int16 where that is exact.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the file cannot be read at all.
    """
    name = path.name
    with path.open("rb") as file, np.errstate(all="ignore"):
        header = _header(file, name)
        with _damage_named(name):
            shape, affine, dtype = _shape(header, name), _affine(header, name), _type(header, name)
        packed = header.get("CompressedData", "").lower() == "true"
        stream: Any = io.BufferedReader(_Inflated(file), _STEP) if packed else file
        try:
            raw = filled(stream, shape, dtype, name)
            read_to_the_end(stream, name)
        except _DAMAGE as error:
            problem = f"its data end early or are damaged ({error}); copy it again"
            raise refused("truncated_file", name, problem) from None
    return canonical(compact(raw, name), affine, name)


def mha_turning(path: Path) -> Turning:
    """How the file's array becomes canonical, from its header alone; raises as `read_mha` does."""
    name = path.name
    with path.open("rb") as file, np.errstate(all="ignore"):
        header = _header(file, name)
        with _damage_named(name):
            shape, affine = _shape(header, name), _affine(header, name)
    return turning(shape, affine, name)


@contextlib.contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """A key that the header lacks, or a word where a number belongs, becomes a refusal of the file."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise refused("unreadable", name, f"its header is damaged ({error}); export it again") from None


def _header(file: BinaryIO, name: str) -> Header:
    """The lines `key = value` up to ElementDataFile, behind which the voxels begin."""
    found: dict[str, str] = {}
    left = _LONGEST_HEADER
    while "ElementDataFile" not in found:
        line = file.readline(left)
        left -= len(line)
        key, sign, value = line.decode("latin-1").partition("=")
        if not line.endswith(b"\n") or not sign or left <= 0:
            raise refused("unreadable", name, "it is no MetaImage file; export it again")
        found[key.strip()] = value.strip()
    if found["ElementDataFile"].upper() != "LOCAL":
        raise refused("unreadable", name, "its voxels are in another file; save both as one .mha file")
    if found.get("BinaryData", "True").lower() != "true" or int(found.get("HeaderSize", "0") or 0) > 0:
        raise refused(
            "unreadable", name, "its voxels are text, or lie behind another header; export it again"
        )
    return found


def _shape(header: Header, name: str) -> tuple[int, int, int]:
    sizes = [int(size) for size in header["DimSize"].split()]
    if len(sizes) != 3 or int(header.get("ElementNumberOfChannels", "1")) != 1:
        raise refused("not_three_dimensional", name, f"it has the shape {tuple(sizes)}; give one 3-D image")
    if min(sizes) < 1 or math.prod(sizes) > MOST_VOXELS:
        raise refused("too_large", name, f"{math.prod(sizes)} voxels are none that a CT has; crop it")
    return sizes[0], sizes[1], sizes[2]


def _affine(header: Header, name: str) -> Affine:
    axes = next(
        (header[key] for key in ("TransformMatrix", "Rotation", "Orientation") if key in header), None
    )
    origin = next((header[key] for key in ("Offset", "Position", "Origin") if key in header), None)
    spacing = header.get("ElementSpacing") or header.get("ElementSize")
    if axes is None or origin is None or spacing is None:
        problem = "it does not say where it lies (TransformMatrix, Offset, ElementSpacing); export it again"
        raise refused("no_affine", name, problem)
    affine = np.eye(4)
    directions = np.array(axes.split(), np.float64).reshape(3, 3)
    affine[:3, :3] = directions.T * np.array(spacing.split(), np.float64)
    affine[:3, 3] = np.array(origin.split(), np.float64)
    return affine


def _type(header: Header, name: str) -> np.dtype[Any]:
    kind = _TYPES.get(header["ElementType"])
    if kind is None:
        raise refused("unreadable", name, "its voxels are not plain numbers; save them as int16")
    order = header.get("BinaryDataByteOrderMSB") or header.get("ElementByteOrderMSB") or "False"
    return np.dtype(kind).newbyteorder(">" if order.lower() == "true" else "<")


class _Inflated(io.RawIOBase):
    """A zlib or gzip stream, unpacked as it is read, and never further than is asked for."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed = packed
        self._unpack = isal_zlib.decompressobj(wbits=47)  # zlib's header or gzip's
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        data = b""
        while not data and not self._unpack.eof:
            self._waiting = self._waiting or self._packed.read(_STEP)
            if not self._waiting:
                raise EOFError("the end of its stream is missing")
            data = self._unpack.decompress(self._waiting, len(buffer))
            self._waiting = self._unpack.unconsumed_tail
        buffer[: len(data)] = data
        return len(data)
