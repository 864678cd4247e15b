"""Phantoms as DICOM: one CT Image Storage series of single-frame files (DICOM PS3.3 A.3)."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from segwatch.phantoms.phantom import Phantom

_INTERCEPT = -1024
_STUDY_DATE = "20200401"


def write_dicom_series(phantom: Phantom, folder: Path, *, patient_id: str | None = None) -> list[Path]:
    """Write a file a slice, from the lowest to the highest, and return their paths.

    UIDs are made from the seed and the scanner's name, so the same phantom is the same study again.
    `patient_id` is `PHANTOM-<seed>` where it is not given.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(phantom.ct.shape[0]):
        path = folder / f"slice_{number + 1:03d}.dcm"
        slice_dataset(phantom, number, patient_id or f"PHANTOM-{phantom.seed}").save_as(
            path, enforce_file_format=True
        )
        paths.append(path)
    return paths


def slice_dataset(phantom: Phantom, number: int, patient_id: str) -> Dataset:
    """One slice as a data set with file meta information; `number` counts from 0, the lowest."""
    names = [str(phantom.seed), phantom.scanner.name, str(phantom.ct.shape)]
    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = generate_uid(entropy_srcs=[*names, "instance", str(number)])
    data.StudyInstanceUID = generate_uid(entropy_srcs=[*names, "study"])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[*names, "series"])
    data.FrameOfReferenceUID = generate_uid(entropy_srcs=[*names, "frame"])
    _describe(data, phantom, patient_id)
    _plane(data, phantom, number)
    _pixels(data, phantom.ct[number])
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def _describe(data: Dataset, phantom: Phantom, patient_id: str) -> None:
    """Patient, study, series and equipment modules."""
    scanner = phantom.scanner
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientName, data.PatientID = f"Phantom^{phantom.seed}", patient_id
    data.PatientBirthDate, data.PatientSex = "", "O"
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = _STUDY_DATE
    data.StudyTime = data.SeriesTime = data.ContentTime = "120000"
    data.AccessionNumber, data.ReferringPhysicianName, data.StudyID = "", "", str(phantom.seed)
    data.Modality, data.SeriesNumber, data.AcquisitionNumber = "CT", 1, 1
    data.PatientPosition, data.PositionReferenceIndicator = "HFS", ""
    data.Manufacturer, data.ManufacturerModelName = scanner.manufacturer, scanner.model
    data.ConvolutionKernel = scanner.kernel
    data.KVP, data.XRayTubeCurrent = scanner.peak_kilovoltage, round(scanner.tube_current_ma)
    data.BodyPartExamined = "CHEST"
    if scanner.contrast_agent:
        data.ContrastBolusAgent = "Iodine"


def _plane(data: Dataset, phantom: Phantom, number: int) -> None:
    """Image plane module; the phantom's arrays lie in LPS coordinates already."""
    geometry = phantom.geometry
    z, y, x = geometry.spacing_zyx_mm
    left, back, up = geometry.origin_xyz_mm
    data.SliceThickness = phantom.scanner.slice_thickness_mm
    data.PixelSpacing = [y, x]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [left, back, up + number * z]
    data.SliceLocation = up + number * z
    data.InstanceNumber = number + 1


def _pixels(data: Dataset, hu: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> None:
    """Image pixel module: stored values are HU + 1024, 12 bits, unsigned."""
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = hu.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = _INTERCEPT, 1, "HU"
    data.WindowCenter, data.WindowWidth = -600, 1500
    data.PixelData = (hu.astype(np.int32) - _INTERCEPT).astype("<u2").tobytes()
