"""Whether the files of a series are one CT: one patient, one acquisition, one reconstruction, no image twice.

Source: DICOM PS3.3 C.7.3.1 (General Series), C.7.4.1 (Frame of Reference), C.8.2.1 (CT Image).
"""

import filecmp
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import UID

from segwatch.volumes.dicom_slices import CT_CLASSES, Slice, is_the_disks, quietly
from segwatch.volumes.refusals import refused

Headers = Mapping[Path, pydicom.Dataset]

FEWEST_ROTATIONS = 4
"""A scanner that shoots step by step numbers each rotation: from so many acquisitions on, one above the
other and of one size, they are one scan. Two or three are two or three scans."""

_SECRET = frozenset({"PatientID"})
"""Named in a refusal without its values."""
_WHERE_BOTH_SAY = {
    "FrameOfReferenceUID": "frames of reference",
    "ConvolutionKernel": "kernels",
    "KVP": "tube voltages",
    "TemporalPositionIdentifier": "phases",
    "NominalPercentageOfCardiacPhase": "phases of the heart",
    "AcquisitionUID": "acquisitions",
    "PatientPosition": "positions of the patient",
    "StationName": "scanners",
    "SliceThickness": "slice thicknesses",
    "ImageType": "types of image",
}
"""What differs where two files name two values; many writers leave these out."""


def check_one_ct(headers: Headers) -> pydicom.Dataset:
    """The first header, once all are known to be CT images of one series and one acquisition.

    Raises:
        RefusedVolume: mixed_series, naming what differs; not_ct, localizer, unreadable.
    """
    first_path, first = next(iter(headers.items()))
    for path, header in headers.items():
        if not header.get("SeriesInstanceUID"):
            raise refused("unreadable", path.name, "it has no series instance UID; export it again")
        if header.SeriesInstanceUID != first.SeriesInstanceUID:
            problem = "it belongs to another series than the files beside it; give each series its own folder"
            raise refused("mixed_series", path.name, problem)
    for path, header in headers.items():
        _check_ct(path, header)
    _check_alike(headers, "PatientID", "patients", lambda header: str(header.get("PatientID") or "").strip())
    _check_alike(
        headers, "StudyInstanceUID", "examinations", lambda header: _text(header, "StudyInstanceUID")
    )
    for keyword, what in _WHERE_BOTH_SAY.items():
        said = {path: header for path, header in headers.items() if _text(header, keyword)}
        _check_alike(said, keyword, what, lambda header, keyword=keyword: _said(header, keyword))  # type: ignore[misc]
    _check_alike(
        headers, "ContrastBolusAgent", "phases", lambda header: bool(_text(header, "ContrastBolusAgent"))
    )
    return headers[first_path]


def _check_ct(path: Path, header: pydicom.Dataset) -> None:
    modality = header.get("Modality") or "CT"  # anonymisers drop it; the SOP class stays
    if modality != "CT" or str(header.get("SOPClassUID")) not in CT_CLASSES:
        found = getattr(header.get("SOPClassUID"), "name", "") or "of no known class"
        problem = f"it is no CT image ({modality}, {found}); send the CT series only"
        raise refused("not_ct", path.name, problem)
    if "LOCALIZER" in str(header.get("ImageType")):
        raise refused("localizer", path.name, "it is a localizer (scout view); send the CT series only")
    if header.get("SamplesPerPixel", 1) != 1:
        raise refused("not_ct", path.name, "it is a colour image; send the CT series only")


def _check_alike(headers: Headers, keyword: str, what: str, value: Callable[[pydicom.Dataset], Any]) -> None:
    first: tuple[Path, Any] | None = None
    for path, header in headers.items():
        found = value(header)
        if first is None:
            first = (path, found)
        elif found != first[1]:
            values = "" if keyword in _SECRET else f" ({found} and {first[1]})"
            problem = (
                f"its {keyword} is not that of {first[0].name}{values}: two {what} under one series UID; "
                "send each as a series of its own"
            )
            raise refused("mixed_series", path.name, problem)


def check_one_acquisition(ordered: Iterable[Slice]) -> None:
    """Nothing, where slices in their order along the patient are of one acquisition.

    Raises:
        RefusedVolume: mixed_series.
    """
    runs: list[tuple[int, int, Slice]] = []  # acquisition, slices in a row, the first of them
    for each in ordered:
        if each.acquisition is None:
            continue
        if runs and runs[-1][0] == each.acquisition:
            runs[-1] = (each.acquisition, runs[-1][1] + 1, runs[-1][2])
        else:
            runs.append((each.acquisition, 1, each))
    if len(runs) < 2 or _are_rotations(runs):
        return
    problem = (
        f"its AcquisitionNumber is not that of {runs[0][2].path.name} ({runs[1][0]} and {runs[0][0]}): two "
        "acquisitions under one series UID; send each as a series of its own"
    )
    raise refused("mixed_series", runs[1][2].path.name, problem)


def _are_rotations(runs: list[tuple[int, int, Slice]]) -> bool:
    numbers, lengths = [run[0] for run in runs], [run[1] for run in runs]
    steps = {b - a for a, b in pairwise(numbers)}
    inner = set(lengths[1:-1])
    edges_fit = max(lengths[0], lengths[-1]) <= max(inner, default=0)
    return len(runs) >= FEWEST_ROTATIONS and steps in ({1}, {-1}) and len(inner) == 1 and edges_fit


def check_numbering(ordered: list[Slice]) -> None:
    """Nothing, unless the numbers of evenly lying images leave out every second one, or more.

    Raises:
        RefusedVolume: missing_slices.
    """
    numbers = [each.number for each in ordered if each.number is not None]
    if len(numbers) < max(3, len(ordered)) or len(set(numbers)) < len(numbers):
        return
    usual = float(np.median(np.abs(np.diff(numbers))))
    if usual >= 2:
        problem = (
            f"its InstanceNumber is {numbers[1]} and its neighbour's {numbers[0]}, and so on through the "
            f"series: {1 - 1 / usual:.0%} of its images are missing; send the series again"
        )
        raise refused("missing_slices", ordered[1].path.name, problem)


def each_once(headers: Headers) -> list[Path]:
    """The files, without second copies of an instance.

    Raises:
        RefusedVolume: conflicting_instances, two images under one SOP Instance UID.
    """
    first: dict[str, Path] = {}
    for path, header in headers.items():
        uid = str(header.get("SOPInstanceUID") or path)
        known = first.setdefault(uid, path)
        if known is not path and not same_instance(known, path):
            problem = (
                f"it bears the SOP Instance UID of {known.name} and is another image; "
                "export the series again, each image with a UID of its own"
            )
            raise refused("conflicting_instances", path.name, problem)
    return list(first.values())


def same_instance(one: Path, other: Path) -> bool:
    """Whether two DICOM files are copies of one instance, whatever their file header and transfer syntax.

    Raises:
        OSError: a file cannot be read.
    """
    if filecmp.cmp(one, other, shallow=False):
        return True
    try:
        return quietly(lambda: _same_dataset(pydicom.dcmread(one), pydicom.dcmread(other)))
    except Exception as error:
        if is_the_disks(error):
            raise
        return False  # a damaged file is no copy of a sound one


def _same_dataset(one: pydicom.FileDataset, other: pydicom.FileDataset) -> bool:
    syntaxes = [UID(each.file_meta.get("TransferSyntaxUID", "")) for each in (one, other)]
    compared = list(map(_without_pixels, (one, other)))
    if compared[0] != compared[1]:
        return False
    if ("PixelData" in one) != ("PixelData" in other):
        return False
    if "PixelData" not in one or one.PixelData == other.PixelData:
        return True
    if syntaxes[0] == syntaxes[1]:
        return False
    try:
        return bool(np.array_equal(one.pixel_array, other.pixel_array))
    except Exception:  # noqa: BLE001 - what cannot be decoded cannot be shown to be the same
        return False


def _without_pixels(dataset: pydicom.Dataset) -> pydicom.Dataset:
    kept = pydicom.Dataset()
    for element in dataset:
        if element.keyword != "PixelData" and not element.tag.is_private and element.tag.element != 0:
            kept[element.tag] = element
    return kept


def _said(header: pydicom.Dataset, keyword: str) -> str:
    """What two images of one CT have in common: how thick to a hundredth of a millimetre, and of ImageType
    what the standard names (PS3.3 C.8.2.1.1.1); scanners say more behind it, image by image."""
    text = _text(header, keyword)
    if keyword == "ImageType":
        return "/".join(text.split("/")[:3])
    if keyword == "SliceThickness":
        try:
            return f"{float(text):.2f}"
        except ValueError:
            return ""
    return text


def _text(header: pydicom.Dataset, keyword: str) -> str:
    value = header.get(keyword)
    if value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else "/".join(map(str, value))
