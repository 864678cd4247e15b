"""Masks as DICOM carries them, made by highdicom and by hand: segmentations and contours of a CT series."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid
from skimage.measure import find_contours

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Mask
from segwatch.volumes.orientation import affine_of


def sources(slices: Sequence[Dataset]) -> list[Dataset]:
    """The slices of a series with what a segmentation copies from them."""
    for each in slices:
        each.PatientName, each.PatientBirthDate, each.PatientSex = "Synthetic^Chest", "", ""
        each.StudyID, each.StudyDate, each.StudyTime = "1", "20260101", "120000"
        each.AccessionNumber, each.ReferringPhysicianName, each.SeriesNumber = "", "", 2
        each.FrameOfReferenceUID = f"{each.StudyInstanceUID[:58]}.1"
    return list(slices)


def segmentation(
    slices: Sequence[Dataset],
    masks: dict[str, np.ndarray],
    geometry: Geometry,
    kind: str = "BINARY",
    turn: Sequence[int] = (0, 1, 2),
    flip: Iterable[int] = (),
    **more: Any,
) -> Dataset:
    """A segmentation with a segment for each mask (z, y, x).

    Args:
        turn, flip: how its voxels are turned before they are written.
        more: of highdicom.
    """
    described = [
        hd.seg.SegmentDescription(
            number,
            name,
            codes.SCT.MorphologicallyAbnormalStructure,
            codes.SCT.Lung if "lung" in name else codes.SCT.Lesion,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(masks, 1)
    ]
    stacked = np.stack(list(masks.values()), axis=-1)
    if kind == "LABELMAP":
        pixels = (stacked > 0).argmax(axis=-1).astype(np.uint8) + (stacked > 0).any(axis=-1)
    else:
        pixels = stacked.astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    array: Any = pixels
    if len(masks) == 1:  # highdicom turns volumes, and knows them by where they lie
        array = hd.Volume(pixels.reshape(geometry.shape_zyx), _slices_first(geometry), "PATIENT")
        array = array.permute_spatial_axes(list(turn))
        array = array.flip_spatial(list(flip)) if tuple(flip) else array
    return hd.seg.Segmentation(
        sources(slices), array, kind, described, generate_uid(), 100, generate_uid(), 1,
        "segwatch tests", "none", "1", "1", **more,
    )  # fmt: skip


def _slices_first(geometry: Geometry) -> np.ndarray:
    """From (slice, row, column) to LPS mm."""
    affine = affine_of(geometry)
    return affine[:, [2, 1, 0, 3]]


def contours(
    slices: Sequence[Dataset],
    masks: dict[str, Mask],
    geometry: Geometry,
    kind: str = "CLOSED_PLANAR",
    axis: int = 0,
) -> Dataset:
    """A structure set with a region for each mask (z, y, x), traced half-way between voxels.

    Args:
        axis: of the array, across which the contours lie.
    """
    first = slices[0]
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = RTStructureSetStorage, generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = first.StudyInstanceUID, generate_uid()
    data.PatientID, data.Modality = first.PatientID, "RTSTRUCT"
    data.StructureSetDate, data.StructureSetTime = "20260102", "120000"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.RTReferencedStudySequence = [study]
    data.ReferencedFrameOfReferenceSequence = [frame]
    data.StructureSetROISequence, data.ROIContourSequence = [], []
    for number, (name, mask) in enumerate(masks.items(), 1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber = number
        drawn.ContourSequence = [_contour(points, kind) for points in traced(mask, geometry, axis)]
        data.StructureSetROISequence.append(roi)
        data.ROIContourSequence.append(drawn)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def traced(mask: Mask, geometry: Geometry, axis: int) -> list[np.ndarray]:
    """The outlines of a mask's slices, in LPS mm."""
    affine, found = affine_of(geometry), []
    for place, plane in enumerate(np.moveaxis(mask, axis, 0)):
        for line in find_contours(np.pad(plane, 1).astype(float), 0.5):
            zyx = np.insert(line[:-1] - 1, axis, place, axis=1)
            found.append(zyx[:, ::-1] @ affine[:3, :3].T + affine[:3, 3])
    return found


def _contour(points: np.ndarray, kind: str) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
    contour.ContourData = [float(f"{value:.6f}") for value in points.ravel()]
    return contour


def saved(data: Dataset, path: Path) -> Path:
    """The file of a data set."""
    data.save_as(path, enforce_file_format=True)
    return path
