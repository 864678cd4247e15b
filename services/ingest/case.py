"""What an entry of the inbox holds: one CT, perhaps masks, and whose it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

import pydicom
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from segwatch.contracts.base import Geometry
from segwatch.contracts.envelope import describe
from segwatch.contracts.identity import digest_of
from segwatch.contracts.studies import CtUnit, Scanner
from segwatch.dicom_masks.header import MaskFile
from segwatch.dicom_masks.joining import Wish, lesion_among
from segwatch.errors import Transient, Unprocessable
from segwatch.volumes.case_files import case_image
from segwatch.volumes.dicom import DicomSeries, read_series
from segwatch.volumes.folders import walk
from segwatch.volumes.hounsfield import AskedUnit, in_hounsfield
from segwatch.volumes.image import Array, Mask, Volume
from segwatch.volumes.labels import NAMES_FILE
from segwatch.volumes.read import dicom_files, read_ct, read_mask, stem_of
from segwatch.volumes.refusals import refused

CT, LESION, LUNG, TRUTH = "ct", "lesion_predicted", "lung", "lesion_truth"
"""A case's images by their names, in any format that is read. The truth is never read."""
IDENTITY = "study.json"
ARRIVED_BY = ".arrived-by"
"""Where what came over the network keeps how it came."""

CALLED = ".called"
"""Where it keeps by which title the service was called."""

_NAMES = (
    "a case holds ct or DICOM slices, lesion_predicted, lung, lesion_truth (.nii.gz, .nii, .nrrd, .mha),"
    " study.json and dataset.json: take it out, or give it one of these names"
)
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
        incomplete: why the CT may be a part only.
        called: the title that it was sent to.
        acquired_at: when the CT was made, as far as its files say.
        protocol: the protocol's name, free text.
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
    incomplete: str | None = None
    no_mask: bool = False
    called: str | None = None
    acquired_at: datetime | None = None
    protocol: str = ""
    ct_unit_reason: str | None = None


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Where a case lies.

    Attributes:
        folder: the entry of the inbox.
        series: the files of its CT's series; None where all of the folder's are.
        masks: DICOM files that carry masks of its CT's series, the newest first.
        no_mask: whether the hospital's own mask did not come, and nothing is to stand in for it.
        incomplete: why its series may be a part only.
        headers: of its files, as far as they were read before.
    """

    folder: Path
    series: tuple[Path, ...] | None = None
    masks: tuple[MaskFile, ...] = ()
    incomplete: str | None = None
    no_mask: bool = False
    headers: Mapping[Path, pydicom.Dataset] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_mask(self) -> bool:
        """Whether a lesion mask lies there.

        Raises:
            RefusedVolume: unknown_file, there are two.
        """
        return bool(self.masks) or case_image(self.folder, LESION) is not None


def read_case(case: Path | CaseFiles, asked: AskedUnit, wish: Wish | None = None) -> IncomingCase:
    """Read an entry of the inbox, or one of the cases in it.

    Raises:
        Unprocessable: with the kinds of `segwatch.volumes.refusals`, and bad_name, not_a_case, no_ct,
            bad_study_json.
        InputUnavailable: it cannot be read now.
    """
    files = case if isinstance(case, CaseFiles) else CaseFiles(case)
    try:
        return _read_case(files, asked, wish or Wish())
    except OSError as error:
        raise InputUnavailable(
            f"{files.folder.name} cannot be read now: {error.strerror or error}"
        ) from error


def _read_case(files: CaseFiles, asked: AskedUnit, wish: Wish) -> IncomingCase:
    folder = files.folder
    try:
        folder.name.encode()
    except UnicodeEncodeError:
        problem = "its name is no text in UTF-8; give it another"
        raise Unprocessable(problem, kind="bad_name") from None
    if not folder.is_dir():
        raise Unprocessable("a file by itself is no case: give each CT its own folder", kind="not_a_case")
    unread_files(folder)
    read, whose, series = _ct(files)
    as_read = _digest(read.array)
    name = "the CT" if series is None else "the series"
    found = in_hounsfield(read.array, asked, name, read.doubt, in_place=True)
    lesion = _lesion(files, read.geometry, wish)
    lung_image = case_image(folder, LUNG)
    lung = None if lung_image is None else read_mask(lung_image, read.geometry).array
    content = digest_of([as_read, *(_digest(each) for each in (lesion, lung))])
    said = _identity(folder / IDENTITY)
    study_id = said.study or whose.study or as_read or ""
    return IncomingCase(
        patient_id=said.patient or whose.patient or study_id,
        study_id=study_id,
        ct=Volume(found.array, read.geometry),
        ct_unit=found.unit,
        ct_unit_reason=found.judged.doubt or None,
        lesion=lesion,
        lung=lung,
        scanner=series.scanner if series else None,
        protocol=series.protocol if series else "",
        arrived_by=_arrived_by(folder / ARRIVED_BY),
        content=content,
        incomplete=files.incomplete,
        no_mask=files.no_mask and lesion is None,
        called=called_title(folder),
        acquired_at=series.acquired_at if series else None,
    )


def _ct(case: CaseFiles) -> tuple[Volume, StudyIdentity, DicomSeries | None]:
    """The CT, whose it is as far as its files or its folder say, and its series where it is one."""
    folder = case.folder
    image = case_image(folder, CT) if case.series is None else None
    if image is not None:
        return read_ct(image), StudyIdentity(patient=folder.name), None
    files = dicom_files(folder) if case.series is None else case.series
    if not files:
        raise Unprocessable("the folder holds neither ct.nii.gz nor a DICOM series", kind="no_ct")
    series = read_series(files, case.headers)
    return series.volume, StudyIdentity(patient=series.patient_id or None, study=series.series_uid), series


def called_title(folder: Path) -> str | None:
    """The title that an entry was sent to, where it came over the network."""
    path = folder / CALLED
    return _beginning(path).decode(errors="replace") if path.is_file() else None


def _lesion(files: CaseFiles, like: Geometry, wish: Wish) -> Mask | None:
    """The hospital's own mask: the file of that name, or else the newest that DICOM carries."""
    image = case_image(files.folder, LESION)
    if image is not None:
        return read_mask(image, like, wish.label).array
    return lesion_among(files.masks, like, wish)


def unread_files(folder: Path) -> list[Path]:
    """The files of an entry that are known and never read: they outlast it.

    Raises:
        Unprocessable: unknown_file, naming one that is not known: it might be a mask.
    """
    images = set() if case_image(folder, CT) is not None else set(dicom_files(folder))
    unread = []
    for here, files in walk(folder):
        for path in sorted(files):
            if path in images or path.name in (IDENTITY, ARRIVED_BY, CALLED):
                continue
            if path.name.startswith("."):
                unread.append(path)
                continue
            if _is_read(path) and here == folder:
                continue
            if not _known(path):
                raise refused("unknown_file", path.name, f"it is not known what it is; {_NAMES}")
            unread.append(path)
    return unread


def _is_read(path: Path) -> bool:
    return stem_of(path) in (CT, LESION, LUNG)


def _known(path: Path) -> bool:
    left_over = path.name.upper() in ("DICOMDIR", "THUMBS.DB", "DESKTOP.INI")
    return left_over or path.name == NAMES_FILE or stem_of(path) == TRUTH


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
