"""Finding cases in a user's folder, and handing them to a hospital without changing them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from segwatch.files import whole_folder

CT = "ct.nii.gz"
TRUTH = "lesion_truth.nii.gz"
GIVEN = (CT, "lesion_predicted.nii.gz", "lung.nii.gz", "study.json")
"""What ingest reads of a NIfTI case. The truth is no service's business."""
DICOM_MARK_AT = 128
DICOM_MARK = b"DICM"


@dataclass(frozen=True)
class CasesFound:
    """What a folder holds.

    Attributes:
        cases: the files that are handed over, by the case's name.
        truths: the true masks, by the case's name.
        strangers: files that are not recognised, relative to the folder.
    """

    cases: dict[str, list[Path]]
    truths: dict[str, Path]
    strangers: list[str]


def find_cases(folder: Path) -> CasesFound:
    """The cases under a folder: NIfTI cases (`CASE/ct.nii.gz`), and folders that hold DICOM files.

    The folder itself may be a case.

    Raises:
        NotADirectoryError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"INPUT={folder}: there is no such folder")
    found = CasesFound({}, {}, [])
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(path)
        files = [here / name for name in sorted(names) if not name.startswith(".")]
        _take(folder, here, files, found)
    return found


def hand_over(name: str, files: list[Path], inbox: Path) -> None:
    """Let the case appear in the inbox at once: links where the disk allows it, else copies."""
    with whole_folder(inbox / name) as folder:
        for file in files:
            try:
                os.link(file.resolve(), folder / file.name)
            except OSError:  # another disk, or one without links
                shutil.copyfile(file, folder / file.name)


def is_dicom(file: Path) -> bool:
    """Whether the file carries DICOM's mark (PS3.10, 7.1)."""
    try:
        with file.open("rb") as opened:
            opened.seek(DICOM_MARK_AT)
            return opened.read(len(DICOM_MARK)) == DICOM_MARK
    except OSError:
        return False


def _take(root: Path, here: Path, files: list[Path], found: CasesFound) -> None:
    """Sort one folder's files into the case that they make, its truth, and strangers."""
    name = "_".join(here.relative_to(root).parts) or here.resolve().name
    by_name = {file.name: file for file in files}
    if CT in by_name:
        taken = [by_name[given] for given in GIVEN if given in by_name]
        if TRUTH in by_name:
            found.truths[name] = by_name[TRUTH]
    else:
        taken = [file for file in files if is_dicom(file)]
    if taken:
        found.cases[name] = taken
    used = {*taken, *([by_name[TRUTH]] if name in found.truths else [])}
    found.strangers.extend(str(file.relative_to(root)) for file in files if file not in used)
