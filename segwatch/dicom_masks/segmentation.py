"""DICOM segmentations, read by highdicom: binary, fractional and label maps, in any order of frames.

Source: DICOM PS3.3 C.8.20 (Segmentation Image), C.8.31 (Label Map), C.7.6.16 (Functional Groups).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.header import items, text
from segwatch.dicom_masks.naming import Named, chosen
from segwatch.dicom_masks.placing import Canvas, Plane
from segwatch.errors import RefusedVolume, in_one_line
from segwatch.volumes.dicom_pixels import check_length
from segwatch.volumes.dicom_slices import is_the_disks, quietly
from segwatch.volumes.image import Mask
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.refusals import refused

_NOWHERE = "it does not say where its frames lie in the patient; export it with their positions"
_POSITION = "PlanePositionSequence"
Filled = Callable[[NDArray[Any]], Mask]


def read_segmentation(path: Path, like: Geometry, label: LesionLabel, threshold: float) -> Mask:
    """The lesion mask (z, y, x) in a segmentation, on its CT's voxels. A frame that is left out is empty.

    Args:
        path: the file.
        like: the CT's canonical geometry.
        label: which segment is lesion: its number, its label, or its property's meaning or code.
        threshold: the share from which a voxel of a fractional segmentation counts.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the disk fails.
    """
    try:
        return quietly(lambda: _read(_opened(path), path.name, like, label, threshold))
    except Exception as error:
        if is_the_disks(error) or isinstance(error, RefusedVolume):
            raise  # everything else is damage, which breaks highdicom in any way there is
        problem = f"it is no segmentation that can be read ({in_one_line(error)}); export it again"
        raise refused("unreadable", path.name, problem) from None


def _opened(path: Path) -> Any:  # noqa: ANN401
    from highdicom.seg import Segmentation  # late: a second, which only who has a segmentation pays

    data = pydicom.dcmread(path)
    if "PixelData" not in data:
        raise refused("truncated_file", path.name, "it ends before its frames; send it again")
    frames = list(items(data, "PerFrameFunctionalGroupsSequence"))
    shared = next(items(data, "SharedFunctionalGroupsSequence"), pydicom.Dataset())
    if not frames or not all(_POSITION in each or _POSITION in shared for each in frames):
        raise refused("no_affine", path.name, _NOWHERE)
    check_length(path, data)
    if data.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        _turn_bytes(data)
    return Segmentation.from_dataset(data, copy=False)


def _turn_bytes(data: pydicom.FileDataset) -> None:
    """From big to little endian, which is all that highdicom takes."""
    for element in data.iterall():  # decoded now, by the order that they were read in
        if element.keyword == "PixelData" and element.VR == "OW":
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _read(seg: Any, name: str, like: Geometry, label: LesionLabel, threshold: float) -> Mask:  # noqa: ANN401
    canvas = Canvas(like, name)
    wanted = chosen(_segments(seg), label, name)
    kind = text(seg, "SegmentationType").upper()
    filled = _filled(seg, kind, wanted, threshold)
    shared = next(items(seg, "SharedFunctionalGroupsSequence"), pydicom.Dataset())
    for number, frame in enumerate(items(seg, "PerFrameFunctionalGroupsSequence"), 1):
        if kind != "LABELMAP" and _segment(frame, shared) not in wanted:
            continue
        canvas.put(filled(seg.get_stored_frame(number)), _plane(frame, shared, name))
    return canvas.mask


def _filled(seg: Any, kind: str, wanted: frozenset[int], threshold: float) -> Filled:  # noqa: ANN401
    """What makes a mask of a frame's stored values."""
    if kind == "LABELMAP":
        return lambda stored: np.isin(stored, list(wanted))
    if kind == "FRACTIONAL":
        least = threshold * float(seg.MaximumFractionalValue)
        return lambda stored: (stored > 0) & (stored >= least)
    return lambda stored: stored > 0


def _segments(seg: pydicom.Dataset) -> list[Named]:
    found = []
    for item in items(seg, "SegmentSequence"):
        number = int(item.SegmentNumber)
        if number == 0:
            continue  # a label map's background
        codes = list(items(item, "SegmentedPropertyTypeCodeSequence"))
        names = [text(item, "SegmentLabel")]
        names += [text(code, keyword) for code in codes for keyword in ("CodeMeaning", "CodeValue")]
        found.append(Named(number, tuple(name for name in names if name)))
    return found


def _segment(frame: pydicom.Dataset, shared: pydicom.Dataset) -> int:
    for groups in (frame, shared):
        for item in items(groups, "SegmentIdentificationSequence"):
            return int(item.ReferencedSegmentNumber)
    raise ValueError("a frame does not name its segment")


def _plane(frame: pydicom.Dataset, shared: pydicom.Dataset, name: str) -> Plane:
    def numbers(group: str, keyword: str) -> tuple[float, ...]:
        for groups in (frame, shared):
            for item in items(groups, group):
                return tuple(float(value) for value in item[keyword].value)
        raise refused("no_affine", name, _NOWHERE)

    return Plane(
        numbers(_POSITION, "ImagePositionPatient"),
        numbers("PlaneOrientationSequence", "ImageOrientationPatient"),
        numbers("PixelMeasuresSequence", "PixelSpacing"),
    )
