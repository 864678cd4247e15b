"""What an entry of the inbox holds: one CT, perhaps masks, and whose it is."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from segwatch.contracts.envelope import describe
from segwatch.contracts.identity import digest_of
from segwatch.contracts.studies import CtUnit, Scanner
from segwatch.errors import Transient, Unprocessable
from segwatch.volumes.dicom import read_series
from segwatch.volumes.hounsfield import AskedUnit, in_hounsfield
from segwatch.volumes.image import Array, Mask, Volume
from segwatch.volumes.read import dicom_files, read_ct, read_mask

CT = "ct.nii.gz"
LESION = "lesion_predicted.nii.gz"
LUNG = "lung.nii.gz"
IDENTITY = "study.json"
ARRIVED_BY = ".arrived-by"
"""Where what came over the network keeps how it came."""

_SMALL = 2**16
"""Bytes; a study.json has a hundred."""
ArrivedBy = Literal["folder", "c-store", "stow-rs"]


class InputUnavailable(Transient):
    """An entry cannot be read now: its disk is away, or rights are missing. It stays."""


class StudyIdentity(BaseModel):
    """`study.json`: whose the CT is, where the hospital says so."""

    model_config = ConfigDict(extra="forbid", strict=True)

    patient: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)] | None = None
    study: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)] | None = None


@dataclass(frozen=True, slots=True)
class IncomingCase:
    """One CT with what came with it. `patient_id` and `study_id` identify a person: they stay in ingest.

    Attributes:
        content: digest of the voxels and the masks as they were read, whatever the file format.
    """

    patient_id: str
    study_id: str
    ct: Volume
    ct_unit: CtUnit
    lesion: Mask | None
    lung: Mask | None
    scanner: Scanner | None
    arrived_by: ArrivedBy
    content: str
    ct_unit_reason: str | None = None


def read_case(folder: Path, asked: AskedUnit) -> IncomingCase:
    """Read an entry of the inbox.

    Raises:
        Unprocessable: with the kinds of `segwatch.volumes.refusals`, and bad_name, not_a_case, no_ct,
            bad_study_json.
        InputUnavailable: it cannot be read now.
    """
    try:
        return _read_case(folder, asked)
    except OSError as error:
        raise InputUnavailable(f"{folder.name} cannot be read now: {error.strerror or error}") from error


def _read_case(folder: Path, asked: AskedUnit) -> IncomingCase:
    try:
        folder.name.encode()
    except UnicodeEncodeError:
        problem = "its name is no text in UTF-8; give it another"
        raise Unprocessable(problem, kind="bad_name") from None
    if not folder.is_dir():
        raise Unprocessable("a file by itself is no case: give each CT its own folder", kind="not_a_case")
    read, whose, scanner = _ct(folder)
    found = in_hounsfield(read.array, asked, CT if (folder / CT).is_file() else "the series", read.doubt)
    lesion, lung = (_mask(folder / name, read) for name in (LESION, LUNG))
    content = digest_of([_digest(each) for each in (read.array, lesion, lung)])
    said = _identity(folder / IDENTITY)
    study_id = said.study or whose.study or _digest(read.array) or ""
    return IncomingCase(
        patient_id=said.patient or whose.patient or study_id,
        study_id=study_id,
        ct=Volume(found.array, read.geometry),
        ct_unit=found.unit,
        ct_unit_reason=found.judged.doubt or None,
        lesion=lesion,
        lung=lung,
        scanner=scanner,
        arrived_by=_arrived_by(folder / ARRIVED_BY),
        content=content,
    )


def _ct(folder: Path) -> tuple[Volume, StudyIdentity, Scanner | None]:
    """The CT, whose it is as far as its files or its folder say, and its scanner."""
    if (folder / CT).is_file():
        return read_ct(folder / CT), StudyIdentity(patient=folder.name), None
    files = dicom_files(folder)
    if not files:
        raise Unprocessable(f"the folder holds neither {CT} nor a DICOM series", kind="no_ct")
    series = read_series(files)
    return (
        series.volume,
        StudyIdentity(patient=series.patient_id or None, study=series.series_uid),
        series.scanner,
    )


def _mask(path: Path, ct: Volume) -> Mask | None:
    return read_mask(path, ct.geometry).array if path.is_file() else None


def _identity(path: Path) -> StudyIdentity:
    try:
        return StudyIdentity.model_validate_json(_beginning(path)) if path.is_file() else StudyIdentity()
    except ValidationError as error:
        problem = f"{path.name}: {describe(error)}; it holds patient and study, both text"
        raise Unprocessable(problem, kind="bad_study_json") from None


def _arrived_by(path: Path) -> ArrivedBy:
    said = _beginning(path) if path.is_file() else b""
    return next((way for way in get_args(ArrivedBy) if way.encode() == said), "folder")


def _beginning(path: Path) -> bytes:
    """All of a small file; of a larger one as much as shows that it is none."""
    with path.open("rb") as file:
        return file.read(_SMALL)


def _digest(array: Array | None) -> str | None:
    """The hash of an array's shape and voxels. Equal values have equal types by then."""
    if array is None:
        return None
    digest = hashlib.sha256(repr((array.dtype.str, array.shape)).encode())
    digest.update(array.reshape(-1).view("u1").data)
    return digest.hexdigest()
