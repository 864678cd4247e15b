"""A little CT, and the same as files that others would write."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Volume
from segwatch.volumes.orientation import affine_of


def little_ct(seed: int = 7) -> Volume:
    """Every voxel differs from every other, so that no wrong turn goes unseen."""
    rng = np.random.default_rng(seed)
    array = rng.permutation(np.arange(-1000, -1000 + 3 * 4 * 5)).reshape(3, 4, 5).astype(np.int16)
    geometry = Geometry(
        shape_zyx=(3, 4, 5),
        spacing_zyx_mm=(2.5, 0.75, 0.5),
        origin_xyz_mm=(-120.5, 30.25, 1000.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    return Volume(array, geometry)


def dicom_slices(volume: Volume, order=(0, 1, 2), flips=(False, False, False)) -> list[Dataset]:
    """The volume as a CT series whose columns, rows and slices run along permuted and flipped axes."""
    array, affine = volume.array.transpose(2, 1, 0), affine_of(volume.geometry)
    turn = np.eye(4)
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            turn[axis, axis], turn[axis, 3] = -1, array.shape[axis] - 1
    array, affine = array.transpose(order), affine @ turn
    affine[:, :3] = affine[:, list(order)]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / spacing
    series, study = generate_uid(), generate_uid()
    slices = []
    for k in range(array.shape[2]):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID = study, series
        data.PatientID, data.Modality, data.InstanceNumber = "PAT 1", "CT", k + 1
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.ImageOrientationPatient = [float(v) for v in axes[:, :2].T.ravel()]
        data.ImagePositionPatient = [float(v) for v in (affine @ [0, 0, k, 1])[:3]]
        data.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        data.SliceThickness = float(spacing[2])
        data.Rows, data.Columns = array.shape[1], array.shape[0]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
        data.PixelData = (array[:, :, k].T.astype(np.int32) + 1024).astype("<u2").tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slices.append(data)
    return slices


def save_all(slices: Sequence[Dataset], folder: Path) -> list[Path]:
    """One file an instance, in an order that is not the patient's."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{7 * number % 101:03}.dcm" for number in range(len(slices))]
    for data, path in zip(slices, paths, strict=True):
        data.save_as(path, enforce_file_format=True)
    return paths


def little_study(folder: Path) -> Path:
    """A folder with a little CT as DICOM; the folder."""
    save_all(dicom_slices(little_ct()), folder)
    return folder
