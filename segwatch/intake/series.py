"""What the headers of an examination's files say of each of its series.

Source: DICOM PS3.3 C.7.3.1 (General Series), C.7.6.1 (General Image), C.8.2.1 (CT Image).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from segwatch.contracts.intake import Orientation
from segwatch.dicom_masks.header import MASK_CLASSES
from segwatch.errors import RefusedVolume
from segwatch.volumes.dicom_slices import CT_CLASSES, Slice, slices_of
from segwatch.volumes.orientation import MOST_TILT_DEGREES
from segwatch.volumes.stacking import SAME_PLACE_MM

MOST_ODD = 0.1
"""As share of a series: so many images of another kind (a localizer, a capture) are set aside from it. Where
there are more, it is not said which of the two the series is, and it is refused."""
_PLANES: tuple[Orientation, ...] = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, slots=True)
class OddImage:
    """One image that is not of its series' kind, and what it is instead."""

    path: Path
    kind: str


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Which scan a series was made from, as far as its headers say."""

    frame_of_reference: str
    number: str


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an examination.

    Attributes:
        files: those of the series' own kind.
        odd: single images of another kind that were found among them.
        places: how many different positions its images have along their normal; None where they have none.
        slice_distance_mm: between neighbours, their median; of a single image its thickness.
    """

    uid: str
    study_uid: str
    files: tuple[Path, ...]
    odd: tuple[OddImage, ...]
    modality: str
    sop_class: str
    image_type: tuple[str, ...]
    orientation: Orientation | None
    places: int | None
    slice_distance_mm: float | None
    kernel: str
    contrast: bool
    description: str
    colour: bool
    acquisition: Acquisition

    @property
    def is_mask(self) -> bool:
        """Whether it carries a mask of another series."""
        return self.sop_class in MASK_CLASSES


def series_of(headers: Mapping[Path, pydicom.Dataset]) -> list[Series]:
    """The series of the files, by UID."""
    by_uid: dict[str, dict[Path, pydicom.Dataset]] = {}
    for path, header in headers.items():
        by_uid.setdefault(str(header.get("SeriesInstanceUID") or ""), {})[path] = header
    return [_series(uid, by_uid[uid]) for uid in sorted(by_uid)]


def _series(uid: str, headers: Mapping[Path, pydicom.Dataset]) -> Series:
    kinds = {path: _kind(header) for path, header in headers.items()}
    odd = {path: kind for path, kind in kinds.items() if kind != ""}
    plain = [path for path in headers if path not in odd]
    tilted = _turned({path: headers[path] for path in plain})
    odd |= dict.fromkeys(tilted, "other_direction")
    if len(odd) > max(1, MOST_ODD * len(headers)) or len(odd) >= len(headers):
        odd = {}
    files = [path for path in headers if path not in odd]
    first = headers[files[0]]
    slices = _slices({path: headers[path] for path in files})
    return Series(
        uid=uid,
        study_uid=text_of(first, "StudyInstanceUID"),
        files=tuple(files),
        odd=tuple(OddImage(path, kind) for path, kind in odd.items()),
        modality=text_of(first, "Modality") or ("CT" if text_of(first, "SOPClassUID") in CT_CLASSES else ""),
        sop_class=text_of(first, "SOPClassUID"),
        image_type=values_of(first, "ImageType"),
        orientation=_orientation(slices),
        places=_places(slices),
        slice_distance_mm=_distance(slices),
        kernel=text_of(first, "ConvolutionKernel"),
        contrast=bool(text_of(first, "ContrastBolusAgent")),
        description=text_of(first, "SeriesDescription"),
        colour=first.get("SamplesPerPixel", 1) not in (1, None),
        acquisition=Acquisition(
            text_of(first, "FrameOfReferenceUID"),
            text_of(first, "AcquisitionUID") or text_of(first, "AcquisitionNumber"),
        ),
    )


def text_of(header: pydicom.Dataset, keyword: str) -> str:
    """An element's value as text; several values with `/` between them; empty where there is none."""
    return "/".join(values_of(header, keyword))


def values_of(header: pydicom.Dataset, keyword: str) -> tuple[str, ...]:
    """An element's values, each as text."""
    value = header.get(keyword)
    if value is None or value == "":
        return ()
    if isinstance(value, str | int | float):
        return (str(value).strip(),)
    return tuple(str(each).strip() for each in value)


def _kind(header: pydicom.Dataset) -> str:
    """What an image is that is no slice of a CT; nothing where it may be one."""
    if text_of(header, "SOPClassUID") not in CT_CLASSES:
        return "other_class"
    if "LOCALIZER" in values_of(header, "ImageType"):
        return "localizer"
    return "" if header.get("SamplesPerPixel", 1) in (1, None) else "secondary_capture"


def _turned(headers: Mapping[Path, pydicom.Dataset]) -> list[Path]:
    """Images that lie in another plane than most."""
    planes = {path: _orientation(_slices({path: header})) for path, header in headers.items()}
    said = [plane for plane in planes.values() if plane is not None]
    usual = max(set(said), key=said.count, default=None)
    return [path for path, plane in planes.items() if plane not in (usual, None)]


def _slices(headers: Mapping[Path, pydicom.Dataset]) -> list[Slice]:
    """Where the images lie; nothing where a header does not say."""
    try:
        return [each for path, header in headers.items() for each in slices_of(header, path)]
    except RefusedVolume:
        return []


def _orientation(slices: Sequence[Slice]) -> Orientation | None:
    if not slices:
        return None
    normal = np.abs(_normal(slices[0]))
    nearest = int(normal.argmax())
    tilt = np.degrees(np.arccos(min(1.0, float(normal[nearest]))))
    return _PLANES[nearest] if tilt <= MOST_TILT_DEGREES or nearest != 2 else "oblique"


def _normal(each: Slice) -> NDArray[np.float64]:
    along_columns, along_rows = np.reshape(each.orientation, (2, 3))
    return np.cross(along_columns, along_rows)


def _offsets(slices: Sequence[Slice]) -> NDArray[np.float64]:
    """The different positions along the normal, in order, mm."""
    normal = _normal(slices[0])
    offsets = np.sort([float(normal @ each.position) for each in slices])
    return offsets[np.diff(offsets, prepend=-np.inf) > SAME_PLACE_MM]


def _places(slices: Sequence[Slice]) -> int | None:
    return len(_offsets(slices)) if slices else None


def _distance(slices: Sequence[Slice]) -> float | None:
    if not slices:
        return None
    offsets = _offsets(slices)
    return slices[0].thickness if len(offsets) == 1 else float(np.median(np.diff(offsets)))


def all_files(series: Iterable[Series]) -> list[Path]:
    """Every file of some series, the odd ones too."""
    return [path for each in series for path in (*each.files, *(odd.path for odd in each.odd))]
