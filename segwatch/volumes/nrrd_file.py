"""NRRD files (`.nrrd`), header and voxels in one file; pynrrd reads the header.

Source: the NRRD format, https://teem.sourceforge.net/nrrd/format.html.
"""

import bz2
import math
from collections.abc import Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from isal import igzip

from segwatch.volumes.hounsfield import compact
from segwatch.volumes.image import MOST_VOXELS, Array, Volume
from segwatch.volumes.nifti import damage_explained, filled, read_to_the_end
from segwatch.volumes.orientation import Affine, Turning, canonical, turning
from segwatch.volumes.refusals import refused

_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}


def read_nrrd(path: Path) -> Volume:
    """The image in canonical orientation, int16 where that is exact.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the file cannot be read at all.
    """
    name = path.name
    with path.open("rb") as file, np.errstate(all="ignore"):
        header = _header(file, name)
        shape = _shape(header, name)
        affine, dtype = _affine(header, name), _type(header, name)
        raw = _voxels(_unpacked(file, header, name), shape, dtype, name)
    return canonical(compact(raw, name), affine, name)


def nrrd_turning(path: Path) -> Turning:
    """How the file's array becomes canonical, from its header alone; raises as `read_nrrd` does."""
    name = path.name
    with path.open("rb") as file, np.errstate(all="ignore"):
        header = _header(file, name)
        return turning(_shape(header, name), _affine(header, name), name)


def _voxels(stream: BufferedIOBase, shape: tuple[int, int, int], dtype: np.dtype[Any], name: str) -> Array:
    try:
        with damage_explained(name):
            raw = filled(stream, shape, dtype, name)
            read_to_the_end(stream, name)
    except OSError as error:
        if error.errno is not None:
            raise  # the disk's; bz2 calls a damage by the same name
        raise refused("truncated_file", name, f"its data are damaged ({error}); copy it again") from None
    return raw


def _header(file: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 - pynrrd carries no types
    try:
        header: Mapping[str, Any] = nrrd.read_header(file)
    except Exception as error:  # damage breaks pynrrd in any way there is
        if isinstance(error, OSError):
            raise
        raise refused("unreadable", name, f"it is no NRRD file ({error}); export it again") from None
    if "sizes" not in header:
        raise refused("unreadable", name, "its header ends before it says its sizes; export it again")
    if "data file" in header or "datafile" in header:
        raise refused("unreadable", name, "its voxels are in another file; save both as one .nrrd file")
    if any(int(header.get(skip, 0)) for skip in ("byte skip", "byteskip", "line skip", "lineskip")):
        raise refused("unreadable", name, "it skips over a part of itself; export it again")
    return header


def _shape(header: Mapping[str, Any], name: str) -> tuple[int, int, int]:
    sizes = [int(size) for size in header.get("sizes", ())]
    if len(sizes) != 3:
        raise refused("not_three_dimensional", name, f"it has the shape {tuple(sizes)}; give one 3-D image")
    if not 0 < math.prod(sizes) <= MOST_VOXELS or min(sizes) < 1:
        raise refused("too_large", name, f"{math.prod(sizes)} voxels are none that a CT has; crop it")
    return sizes[0], sizes[1], sizes[2]


def _affine(header: Mapping[str, Any], name: str) -> Affine:
    signs = _TO_LPS.get(str(header.get("space", "")).lower())
    directions, origin = header.get("space directions"), header.get("space origin")
    if signs is None or directions is None or origin is None:
        problem = (
            "it does not say where it lies in the patient (space, directions and origin); export it again"
        )
        raise refused("no_affine", name, problem)
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions, np.float64).T
    affine[:3, 3] = np.asarray(origin, np.float64)
    return np.asarray(np.diag([*signs, 1.0]) @ affine)


def _type(header: Mapping[str, Any], name: str) -> np.dtype[Any]:
    kind = _TYPES.get(str(header.get("type", "")).lower())
    if kind is None:
        raise refused("unreadable", name, "its voxels are not plain numbers; save them as int16")
    return np.dtype(kind).newbyteorder(">" if header.get("endian") == "big" else "<")


def _unpacked(file: Any, header: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    match str(header.get("encoding", "")).lower():
        case "raw":
            return file
        case "gzip" | "gz":
            return igzip.IGzipFile(fileobj=file)
        case "bzip2" | "bz2":
            return bz2.BZ2File(file)
    problem = f"its encoding {header.get('encoding')!r} is not read; save it as raw or gzip"
    raise refused("unreadable", name, problem)
