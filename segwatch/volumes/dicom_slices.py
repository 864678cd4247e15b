"""What the headers of DICOM CT files say of each slice, classic (one a file) and enhanced (many a file).

Source: DICOM PS3.3 C.7.6.2 (Image Plane), C.8.2.1 (CT Image), C.7.6.16 (Multi-frame Functional Groups).
"""

import logging
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from segwatch.errors import RefusedVolume
from segwatch.volumes.refusals import half_of_an_image, refused

CT_CLASSES = frozenset({CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage})

_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality",
    "ImageType", "SamplesPerPixel", "Rows", "Columns", "NumberOfFrames", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "SpacingBetweenSlices",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "Manufacturer", "ManufacturerModelName", "ConvolutionKernel",
    "XRayTubeCurrent", "KVP", "ContrastBolusAgent",
    "InstanceNumber", "AcquisitionNumber", "AcquisitionUID", "AcquisitionDate", "AcquisitionTime",
    "FrameOfReferenceUID", "TemporalPositionIdentifier", "NominalPercentageOfCardiacPhase", "SeriesNumber",
    "SeriesDescription", "ProtocolName", "StationName", "SoftwareVersions", "StudyDate",
    "NumberOfSeriesRelatedInstances", "PatientPosition",
]  # fmt: skip
_USED = frozenset(_TAGS) | {
    "PixelValueTransformationSequence", "PlanePositionSequence", "PlaneOrientationSequence",
    "PixelMeasuresSequence",
}  # fmt: skip
# pydicom's warnings quote headers, which name patients; a filter holds whatever level is set later.
logging.getLogger("pydicom").addFilter(lambda record: record.levelno >= logging.ERROR)
MOST_OFF_UNIT = 0.01
"""How far the length of a direction may lie from 1, and the cosine between two from 0."""
_META_BEGINS = 132
"""Bytes of the preamble and DICOM's mark."""
_FIRST_ELEMENT = 8
"""Bytes: its tag, and its length with or without its type."""
_quiet = threading.RLock()
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Slice:
    """One axial image of a series.

    Attributes:
        frame: which of the file's images, from 0.
        position: of the first voxel's centre, LPS mm.
        orientation: unit vectors along increasing column, then along increasing row.
        spacing: between rows, and between columns, mm.
        thickness: distance to the next slice as far as the header alone says, mm.
        number: the image's in its series; None in files of several images.
        acquisition: the number of the acquisition, as far as the header says.
        rescale_type: what slope and intercept make of stored values, `HU` for one; empty where unsaid.
    """

    path: Path
    frame: int
    rows: int
    columns: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness: float | None
    slope: float
    intercept: float
    number: int | None = None
    acquisition: int | None = None
    rescale_type: str = ""


def quietly(work: Callable[[], Result]) -> Result:
    """Call pydicom without its warnings: what matters in them is checked here, and refused by name."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return work()


def read_header(path: Path) -> pydicom.Dataset:
    """The elements of a DICOM file that are used here, without its pixels.

    Raises:
        RefusedVolume: unreadable or truncated_file.
    """
    try:
        return quietly(lambda: _read(path))
    except InvalidDicomError:
        raise refused("unreadable", path.name, _no_dicom(path)) from None
    except EOFError:
        raise refused("truncated_file", path.name, "its header ends early; send it again") from None
    except Exception as error:
        if is_the_disks(error) or isinstance(error, RefusedVolume):
            raise  # everything else is damage: it breaks pydicom in any way there is
        problem = f"its header is damaged ({type(error).__name__}); send it again"
        raise refused("unreadable", path.name, problem) from None


def _read(path: Path) -> pydicom.Dataset:
    syntax = read_file_meta_info(path).get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        # pydicom would unpack all of it into memory, a thousand times its size, and not find the pixels.
        raise refused("unreadable", path.name, "its elements are deflated; send it without")
    if not syntax:
        problem = "its file header does not name the transfer syntax, so nobody knows how it is coded"
        raise refused("unreadable", path.name, f"{problem}; export it again")
    if not syntax.is_private and _is_explicit(path) == syntax.is_implicit_VR:
        coded = "explicit VR" if syntax.is_implicit_VR else "implicit VR"
        problem = f"its file header names {syntax.name}, and its elements are coded in {coded}"
        raise refused("unreadable", path.name, f"{problem}; export it again, with the syntax that it has")
    return _decoded(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS))


def _is_explicit(path: Path) -> bool | None:
    """Whether the data set's first element names its type (PS3.5 7.1.2); None where that cannot be seen."""
    with path.open("rb") as file:
        start = file.read(_META_BEGINS + 12)
        length = int.from_bytes(start[_META_BEGINS + 8 :], "little")
        if start[_META_BEGINS : _META_BEGINS + 4] != b"\x02\x00\x00\x00":
            return None  # its group's length is missing
        file.seek(length, 1)
        element = file.read(_FIRST_ELEMENT)
    return element[4:6].isalpha() and element[4:6].isupper() if len(element) == _FIRST_ELEMENT else None


def _no_dicom(path: Path) -> str:
    """What is wrong with a file that has not DICOM's mark."""
    with path.open("rb") as file:
        start = file.read(_FIRST_ELEMENT)
    group = start[:2] in (b"\x08\x00", b"\x00\x08", b"\x02\x00")
    if len(start) == _FIRST_ELEMENT and group:
        return "it is a DICOM data set without its file header; export it as a file (DICOM PS3.10)"
    return half_of_an_image(path.name) or (
        "it is no DICOM file, and not named as another image (.nii, .nii.gz, .nrrd, .mha); convert it, or"
        " take it away if it is no image"
    )


def is_the_disks(error: Exception) -> bool:
    """Whether an error is the disk's; pydicom calls damages by the same name, without a number."""
    return isinstance(error, OSError) and error.errno is not None


def _decoded(header: pydicom.Dataset) -> pydicom.Dataset:
    """The header with every value decoded now: pydicom would do it at first use, where no one expects it."""
    for element in header.iterall():
        keyword = element.keyword
        if keyword in _USED and (element.VR == "SQ") != keyword.endswith("Sequence"):
            raise ValueError(f"{keyword} is of the type {element.VR}")
    return header


def slices_of(header: pydicom.Dataset, path: Path) -> list[Slice]:
    """The slices that a file holds.

    Raises:
        RefusedVolume: no_rescale, no_affine or unreadable, where a required element is missing or wrong.
    """
    if "PerFrameFunctionalGroupsSequence" not in header:
        _check_one_image(header, path)
        return [_slice(header, path, 0, lambda keyword, _: header.get(keyword))]
    shared = header.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()]

    def element(frame: pydicom.Dataset) -> Callable[[str, str], Any]:
        def find(keyword: str, group: str) -> Any:  # noqa: ANN401 - any element's value
            for groups in (frame, shared[0]):
                if groups.get(group):
                    return groups[group].value[0].get(keyword)
            return None

        return find

    frames = enumerate(header.PerFrameFunctionalGroupsSequence)
    if not header.PerFrameFunctionalGroupsSequence:
        raise refused("unreadable", path.name, "its header names no image; send it again")
    return [_slice(header, path, number, element(frame)) for number, frame in frames]


def _check_one_image(header: pydicom.Dataset, path: Path) -> None:
    """Nothing, where a file of a class that holds one image holds one."""
    frames = str(header.get("NumberOfFrames") or 1)
    if frames != "1":
        problem = f"it holds {frames} images, and its class one; send Enhanced CT, or a file for each slice"
        raise refused("not_three_dimensional", path.name, problem)


def _slice(header: pydicom.Dataset, path: Path, frame: int, element: Callable[[str, str], Any]) -> Slice:
    slope = element("RescaleSlope", "PixelValueTransformationSequence")
    intercept = element("RescaleIntercept", "PixelValueTransformationSequence")
    if slope is None or intercept is None:
        problem = "it has no rescale slope and intercept, so its values cannot become HU; export it again"
        raise refused("no_rescale", path.name, problem)
    position = element("ImagePositionPatient", "PlanePositionSequence")
    orientation = element("ImageOrientationPatient", "PlaneOrientationSequence")
    spacing = element("PixelSpacing", "PixelMeasuresSequence")
    between = element("SpacingBetweenSlices", "PixelMeasuresSequence")
    thickness = between or element("SliceThickness", "PixelMeasuresSequence")
    if not position or not orientation or not spacing:
        problem = "it does not say where it lies in the patient; export it again with position and spacing"
        raise refused("no_affine", path.name, problem)
    try:
        return Slice(
            path,
            frame,
            int(header.Rows),
            int(header.Columns),
            _numbers(position, 3),
            _directions(orientation, path),
            _numbers(spacing, 2),
            abs(float(thickness)) if thickness else None,
            float(slope),
            float(intercept),
            _number(header, "InstanceNumber") if "PerFrameFunctionalGroupsSequence" not in header else None,
            _number(header, "AcquisitionNumber"),
            _rescale_type(element("RescaleType", "PixelValueTransformationSequence")),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise refused("unreadable", path.name, f"its header is damaged ({error}); send it again") from None


def _rescale_type(value: Any) -> str:  # noqa: ANN401 - pydicom's value
    """As it is written; `US`, unspecified, says nothing."""
    text = str(value or "").strip().upper()
    return "" if text == "US" else text


def _directions(values: Any, path: Path) -> tuple[float, ...]:  # noqa: ANN401 - pydicom's multi-value
    """The unit vectors of ImageOrientationPatient, with what rounding took from their length given back."""
    vectors = np.reshape(_numbers(values, 6), (2, 3))
    lengths = np.linalg.norm(vectors, axis=1)
    if not (np.abs(lengths - 1) <= MOST_OFF_UNIT).all():
        problem = (
            f"its ImageOrientationPatient is no direction: vectors of length {lengths[0]:.3g} and "
            f"{lengths[1]:.3g} where 1 belongs; export it again"
        )
        raise refused("no_affine", path.name, problem)
    vectors = vectors / lengths[:, None]
    if abs(float(vectors[0] @ vectors[1])) > MOST_OFF_UNIT:
        problem = "its ImageOrientationPatient is no orientation: rows and columns are not at right angles"
        raise refused("no_affine", path.name, f"{problem}; export it again")
    return tuple(map(float, vectors.ravel()))


def _number(header: pydicom.Dataset, keyword: str) -> int | None:
    try:
        return int(header.get(keyword))
    except (TypeError, ValueError):
        return None


def _numbers(values: Any, count: int) -> tuple[float, ...]:  # noqa: ANN401 - pydicom's multi-value
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count:
        raise ValueError(f"{len(numbers)} numbers where {count} belong")
    return numbers
