"""What a DICOM file that carries a mask says of itself: what it is, of which series, and how new.

Source: DICOM PS3.3 A.51 (Segmentation), A.108 (Label Map Segmentation), A.19 (RT Structure Set), C.7.6.16,
C.8.8.6 (ROI Contour).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydicom
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from segwatch.volumes.dicom_slices import is_the_disks, quietly
from segwatch.volumes.refusals import refused

LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
"""Label Map Segmentation Storage."""
SEGMENTATIONS = frozenset({str(SegmentationStorage), LABEL_MAP})
CONTOURS = frozenset({str(RTStructureSetStorage)})
MASK_CLASSES = SEGMENTATIONS | CONTOURS
"""What carries a mask and no image. It belongs to the series that it refers to, and is never a study."""

_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "ReferencedSeriesSequence",
    "ReferencedFrameOfReferenceSequence", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "ContentDate", "ContentTime", "StructureSetDate", "StructureSetTime",
    "InstanceCreationDate", "InstanceCreationTime",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A DICOM file that carries a mask.

    Attributes:
        series: the UIDs of the series that it refers to; empty where it names none.
        instances: the UIDs of the images that it refers to.
        made: date and time of its making, as text that sorts, then its own UID.
    """

    path: Path
    kind: Literal["segmentation", "contours"]
    series: frozenset[str]
    instances: frozenset[str]
    made: tuple[str, str]

    def belongs_to(self, series_uid: str, instance_uids: frozenset[str]) -> bool:
        """Whether it is of that series: by its name, or where it names no series by its images."""
        return series_uid in self.series if self.series else bool(self.instances & instance_uids)


def mask_file(path: Path) -> MaskFile | None:
    """What a DICOM file says of the mask that it carries; None where it carries none.

    Raises:
        RefusedVolume: unreadable, the file is damaged. OSError: the disk fails.
    """
    try:
        header = quietly(lambda: pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS))
        sop_class = str(header.get("SOPClassUID"))
        if sop_class not in MASK_CLASSES:
            return None
        series = frozenset(_series(header))
        if not series and sop_class in CONTOURS:  # the points themselves are read only where they are needed
            header = quietly(lambda: pydicom.dcmread(path, specific_tags=[*_TAGS, "ROIContourSequence"]))
        return MaskFile(
            path,
            "segmentation" if sop_class in SEGMENTATIONS else "contours",
            series,
            frozenset(_instances(header)),
            (_made(header), str(header.get("SOPInstanceUID"))),
        )
    except Exception as error:
        if is_the_disks(error):
            raise
        problem = f"it is no DICOM file, or its header is damaged ({type(error).__name__}); send it again"
        raise refused("unreadable", path.name, problem) from None


def items(data: pydicom.Dataset, *keywords: str) -> Iterator[pydicom.Dataset]:
    """All items of nested sequences, where they are there."""
    if not keywords:
        yield data
        return
    for item in data.get(keywords[0]) or ():
        yield from items(item, *keywords[1:])


def text(data: pydicom.Dataset, keyword: str) -> str:
    """An element as text without blanks around it; empty where it is not there."""
    return str(data.get(keyword) or "").strip()


def _series(header: pydicom.Dataset) -> Iterator[str]:
    ways: Sequence[Sequence[str]] = (
        ("ReferencedSeriesSequence",),
        ("ReferencedFrameOfReferenceSequence", "RTReferencedStudySequence", "RTReferencedSeriesSequence"),
    )
    for way in ways:
        for item in items(header, *way):
            if uid := text(item, "SeriesInstanceUID"):
                yield uid


def _instances(header: pydicom.Dataset) -> Iterator[str]:
    source = ("DerivationImageSequence", "SourceImageSequence")
    for group in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in items(header, group, *source):
            yield text(item, "ReferencedSOPInstanceUID")
    for item in items(header, "ROIContourSequence", "ContourSequence", "ContourImageSequence"):
        yield text(item, "ReferencedSOPInstanceUID")


def _made(header: pydicom.Dataset) -> str:
    for what in ("Content", "StructureSet", "InstanceCreation"):
        found: Any = text(header, f"{what}Date") + text(header, f"{what}Time")
        if found:
            return str(found)
    return ""
