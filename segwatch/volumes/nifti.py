"""NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), read with every size checked and to the last checksum.

Source: the NIfTI-1.1 header (https://nifti.nimh.nih.gov/nifti-1); nibabel reads its fields.
"""

import contextlib
import math
from collections.abc import Iterator
from gzip import BadGzipFile
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip, igzip_lib

from segwatch.contracts.base import Geometry
from segwatch.volumes.hounsfield import compact
from segwatch.volumes.image import MOST_VOXELS, Array, Volume
from segwatch.volumes.orientation import (
    MOST_DISTANCE_VOXELS,
    Affine,
    Turning,
    affine_of,
    canonical,
    distance_in_voxels,
    turning,
)
from segwatch.volumes.refusals import refused

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""What a file's unit of length is in mm: not said, metre, millimetre, micron."""
_HEADERS: dict[int, Any] = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
_MOST_EXTRA = 64 * 2**20
"""Header extensions before the voxels, and whatever is behind them: more is no image."""
_STEP = 2**20
_GZIP_ERRORS: Any = (EOFError, BadGzipFile, igzip_lib.IsalError)


def read_nifti(path: Path) -> Volume:
    """The image in canonical orientation, its slope and intercept applied, int16 where that is exact.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the file cannot be read at all.
    """
    name = path.name
    # A damaged header's numbers may overflow; what comes of them is not finite, and refused.
    with _opened(path) as stream, np.errstate(all="ignore"):
        header = _header(stream, name)
        shape = _shape(header, name)
        affine = _affine(header, shape, name)
        raw = _voxels(stream, header, shape, name)
        _read_to_the_end(stream, name)
        return canonical(compact(_scaled(raw, header, name), name), affine, name)


def nifti_turning(path: Path) -> Turning:
    """How the file's array becomes canonical, from its header alone; raises as `read_nifti` does."""
    with _opened(path) as stream, np.errstate(all="ignore"):
        header = _header(stream, path.name)
        shape = _shape(header, path.name)
        return turning(shape, _affine(header, shape, path.name), path.name)


def write_nifti(path: Path, array: Array, geometry: Geometry) -> None:
    """Write an array (z, y, x), booleans as 0 and 1. The same array gives the same bytes, gzip included."""
    affine = _RAS_TO_LPS @ affine_of(geometry)
    values = array.astype(np.uint8) if array.dtype == np.bool_ else array
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    data = image.to_bytes()
    path.write_bytes(igzip.compress(data, compresslevel=1, mtime=0) if path.suffix == ".gz" else data)


def require_file(path: Path) -> None:
    """Nothing, where there is a file.

    Raises:
        RefusedVolume: unreadable.
    """
    if not path.is_file():
        problem = "it is a folder; give the file" if path.is_dir() else "there is no such file"
        raise refused("unreadable", path.name, problem)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            yield igzip.IGzipFile(fileobj=file) if zipped else file
        except _GZIP_ERRORS as error:
            raise refused(
                "truncated_file",
                path.name,
                f"its gzip data end early or are damaged ({error}); copy it again",
            ) from None


def _header(stream: BufferedIOBase, name: str) -> Any:  # noqa: ANN401 - nibabel carries no types
    start = stream.read(348)
    if len(start) < 348:
        raise refused("truncated_file", name, f"it has only {len(start)} bytes; copy it again")
    size = next((s for s in _HEADERS for order in ("little", "big") if start[:4] == _bytes(s, order)), 0)
    block = start + stream.read(max(size - 348, 0))
    if not size or len(block) < size:
        raise refused("unreadable", name, "it is no NIfTI file; give NIfTI (.nii, .nii.gz) or DICOM")
    header = _HEADERS[size](block, check=False)
    if bytes(header["magic"])[:2] != b"n+":
        raise refused(
            "unreadable", name, "it is half of a NIfTI pair; save header and image in one .nii file"
        )
    if float(header["pixdim"][0]) == 0:
        header["pixdim"][0] = 1  # the standard's reading of an unset qfac
    return header


def _bytes(size: int, order: Any) -> bytes:  # noqa: ANN401 - "little" or "big"
    return size.to_bytes(4, order)


def _shape(header: Any, name: str) -> tuple[int, int, int]:  # noqa: ANN401
    axes = int(header["dim"][0])
    sizes = [int(size) for size in header["dim"][1 : axes + 1]]
    if not 1 <= axes <= 7 or any(size < 1 for size in sizes):
        raise refused("unreadable", name, "its header gives no valid shape; export it again")
    if axes < 2 or any(size != 1 for size in sizes[3:]):
        raise refused("not_three_dimensional", name, f"it has the shape {tuple(sizes)}; give one 3-D image")
    if math.prod(sizes) > MOST_VOXELS:
        raise refused("too_large", name, f"{math.prod(sizes)} voxels are more than a CT has; crop it")
    x, y, z = (*sizes, 1)[:3]
    return x, y, z


def _affine(header: Any, shape: tuple[int, int, int], name: str) -> Affine:  # noqa: ANN401
    """From voxel indices to LPS mm: the sform's or the qform's; where a file has both, they must agree."""
    try:
        found = [form for form in (header.get_sform(coded=True)[0], _qform(header)) if form is not None]
    except (ValueError, nibabel.spatialimages.HeaderDataError) as error:
        raise refused("no_affine", name, f"its qform is invalid ({error}); export it again") from None
    if not found:
        raise refused("no_affine", name, "it has neither sform nor qform; export it with its orientation")
    scale = np.diag([*[_MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)] * 3, 1.0])
    affines = [_RAS_TO_LPS @ scale @ np.asarray(form, np.float64) for form in found]
    if not all(np.isfinite(affine).all() and np.linalg.det(affine) for affine in affines):
        raise refused(
            "bad_spacing", name, "the distance between voxels is zero or not a number; export it again"
        )
    if distance_in_voxels(affines[0], affines[-1], shape) > MOST_DISTANCE_VOXELS:
        raise refused("ambiguous_affine", name, "its sform and qform differ; keep the one that is right")
    return affines[0]


def _qform(header: Any) -> Any:  # noqa: ANN401
    return header.get_qform() if int(header["qform_code"]) > 0 else None


def _voxels(stream: BufferedIOBase, header: Any, shape: tuple[int, int, int], name: str) -> Array:  # noqa: ANN401
    dtype = _go_to_voxels(stream, header, name)
    data = np.empty(math.prod(shape) * dtype.itemsize, np.uint8)  # no page is taken before it is read
    view, filled = data.data, 0
    while filled < len(data) and (count := stream.readinto(view[filled : filled + _STEP])):
        filled += count
    if filled < len(data):
        raise refused("truncated_file", name, f"it ends after {filled} of {len(data)} bytes; copy it again")
    raw: Array = data.view(dtype).reshape(shape, order="F")
    return raw


def _go_to_voxels(stream: BufferedIOBase, header: Any, name: str) -> np.dtype[Any]:  # noqa: ANN401
    """The type of the voxels, with the stream before the first of them."""
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (nibabel.spatialimages.HeaderDataError, KeyError):
        dtype = np.dtype(object)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise refused("unreadable", name, "its voxels are not plain numbers; save them as int16")
    offset = float(header["vox_offset"])
    skipped = int(offset if math.isfinite(offset) else 0) - int(header["sizeof_hdr"])
    if not 0 <= skipped <= _MOST_EXTRA or len(stream.read(skipped)) < skipped:
        raise refused("unreadable", name, "its header points beyond the file; export it again")
    return dtype


def _read_to_the_end(stream: BufferedIOBase, name: str) -> None:
    """Past the voxels: gzip checks its sum only there."""
    extra = 0
    while step := stream.read(_STEP):
        extra += len(step)
        if extra > _MOST_EXTRA:
            raise refused("unreadable", name, "it goes on far behind its voxels; export it again")


def _scaled(raw: Array, header: Any, name: str) -> Array:  # noqa: ANN401
    scaling = _scaling(header, name)
    if scaling is None:
        return raw
    slope, intercept = scaling
    out = np.empty(raw.shape, np.float32, order="F")
    for z in range(raw.shape[2]):
        out[:, :, z] = raw[:, :, z].astype(np.float64) * slope + intercept
    return out


def _scaling(header: Any, name: str) -> tuple[float, float] | None:  # noqa: ANN401
    """Slope and intercept; None where values are as they are stored."""
    try:
        slope, intercept = header.get_slope_inter()
    except nibabel.spatialimages.HeaderDataError as error:
        raise refused("unreadable", name, f"its slope and intercept are invalid ({error})") from None
    return None if slope is None or (slope, intercept) == (1.0, 0.0) else (slope, intercept)
