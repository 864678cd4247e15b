"""One DICOM CT series as a volume.

Source: DICOM PS3.3 A.3 (CT Image), A.38 (Enhanced CT). Compressed pixels are decoded by gdcm.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom

from segwatch.contracts.studies import Scanner
from segwatch.volumes.dicom_pixels import check_length, frames_of, padded, padding_of, words_of
from segwatch.volumes.dicom_slices import Slice, read_header, slices_of
from segwatch.volumes.hounsfield import compact, fits_int16
from segwatch.volumes.image import MOST_VOXELS, Array, Volume
from segwatch.volumes.one_series import check_one_ct, each_once
from segwatch.volumes.orientation import canonical
from segwatch.volumes.outside import AIR_HU, is_air
from segwatch.volumes.refusals import refused
from segwatch.volumes.stacking import stack

_LONGEST = 64


@dataclass(frozen=True, slots=True)
class DicomSeries:
    """A series: its volume in HU, who it is of, and how it was made. Identifiers stay inside ingest.

    Attributes:
        acquired_at: when the CT was made, by the scanner's clock, taken for UTC: DICOM names no zone.
        protocol: the protocol's name, free text.
    """

    volume: Volume
    series_uid: str
    study_uid: str
    patient_id: str
    scanner: Scanner
    acquired_at: datetime | None = None
    protocol: str = ""


def read_series(files: Sequence[Path], known: Mapping[Path, pydicom.Dataset] | None = None) -> DicomSeries:
    """Read the files of one CT series. An instance that is there twice counts once.

    Args:
        files: of the series.
        known: headers that `read_header` gave before: of hundreds of files it takes seconds.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: a file cannot be read at all.
        ValueError: no files are given.
    """
    if not files:
        raise ValueError("a series has at least one file")
    before = known or {}
    headers = {path: before[path] if path in before else read_header(path) for path in files}
    first = check_one_ct(headers)
    slices = [each for path in each_once(headers) for each in slices_of(headers[path], path)]
    ordered, affine = stack(slices)
    size = math.prod((len(ordered), ordered[0].rows, ordered[0].columns))
    if not 0 < size <= MOST_VOXELS:
        raise refused(
            "too_large", ordered[0].path.name, f"its series has {size} voxels; send one CT at a time"
        )
    array = compact(_pixels(ordered, headers), ordered[0].path.name)
    volume = canonical(array.transpose(2, 1, 0), affine, ordered[0].path.name)
    return DicomSeries(
        replace(volume, doubt=_doubt(ordered)),
        series_uid=str(first.SeriesInstanceUID),
        study_uid=str(first.get("StudyInstanceUID") or ""),
        patient_id=str(first.get("PatientID") or "").strip(),
        scanner=_scanner(first),
        acquired_at=_acquired_at(first),
        protocol=_text(first, "ProtocolName") or "",
    )


def _pixels(ordered: Sequence[Slice], headers: Mapping[Path, pydicom.Dataset]) -> Array:
    """The voxels (slice, row, column) with slope and intercept applied: int16 as long as that holds them all,
    so that a CT of 600 slices is in memory once; float32 otherwise.

    What the header calls padding is air: it becomes what air is, whatever the slope.
    """
    out: Array = np.empty((len(ordered), ordered[0].rows, ordered[0].columns), np.int16)
    planes: dict[Path, dict[int, int]] = {}
    for plane, each in enumerate(ordered):
        planes.setdefault(each.path, {})[each.frame] = plane
    for path, wanted in planes.items():
        check_length(path, headers[path])
        frames = frames_of(path)
        if len(frames) != len(wanted):
            problem = f"it has {len(frames)} images where its header says {len(wanted)}; send it again"
            raise refused("truncated_file", path.name, problem)
        stored, padding = words_of(headers[path], path.name), padding_of(headers[path])
        for frame, plane in wanted.items():
            values, each = stored(frames[frame]), ordered[plane]
            with np.errstate(all="ignore"):  # what a damaged slope makes infinite is refused below
                hu = (values.astype(np.float64) * each.slope + each.intercept).astype(np.float32)
            outside = padded(values, padding)
            if outside is not None:
                hu[outside & ~is_air(hu)] = AIR_HU
            if out.dtype == np.int16 and not fits_int16(hu):
                out = out.astype(np.float32)
            out[plane] = hu
    return out


def _doubt(slices: Sequence[Slice]) -> str:
    """Why the values are no HU, as far as the headers say; empty where nothing does.

    Source: DICOM PS3.3 C.11.1.1.2 (Rescale Type).
    """
    for each in slices:
        if each.rescale_type not in ("", "HU"):
            return f"the header says that its values are {each.rescale_type}, not HU"
        if each.slope == 0:
            return "its rescale slope is 0"
    return ""


def _scanner(header: pydicom.Dataset) -> Scanner:
    """As far as the header says; what it does not say is None, never a guess."""
    return Scanner(
        manufacturer=_text(header, "Manufacturer"),
        model=_text(header, "ManufacturerModelName"),
        kernel=_text(header, "ConvolutionKernel"),
        slice_thickness_mm=_number(header, "SliceThickness"),
        tube_current_ma=_number(header, "XRayTubeCurrent"),
        peak_kilovoltage=_number(header, "KVP"),
        contrast_agent=True if header.get("ContrastBolusAgent") else None,
        station=_text(header, "StationName"),
        software=_text(header, "SoftwareVersions"),
    )


def _acquired_at(header: pydicom.Dataset) -> datetime | None:
    day = header.get("AcquisitionDate") or header.get("StudyDate")
    time = str(header.get("AcquisitionTime") or "")[:6]
    for text, form in ((f"{day}{time}", "%Y%m%d%H%M%S"), (str(day), "%Y%m%d")):
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return None


def _text(header: pydicom.Dataset, keyword: str) -> str | None:
    value = header.get(keyword)
    text = value if isinstance(value, str) else "/".join(map(str, value or []))
    return text.strip()[:_LONGEST] or None


def _number(header: pydicom.Dataset, keyword: str) -> float | None:
    try:
        number = float(header.get(keyword))
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
