"""Finding cases in a user's folder, and handing them to a hospital without changing them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from segwatch.errors import RefusedVolume
from segwatch.files import whole_folder
from segwatch.volumes.labels import NAMES_FILE
from segwatch.volumes.read import stem_of

CT, TRUTH = "ct", "lesion_truth"
MASKS = ("lesion_predicted", "lung")
"""A case's images by their names, in any format that is read. The truth is no service's business."""
BESIDE = ("study.json", NAMES_FILE)
"""What ingest reads beside them."""
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
    """The cases under a folder: those with a `ct` (.nii.gz, .nii, .nrrd, .mha), and with DICOM files.

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
    stems = {file: _stem(file) for file in files}
    scan = [file for file in files if stems[file] == CT] or [file for file in files if is_dicom(file)]
    used = set()
    if scan:
        beside = [file for file in files if stems[file] in MASKS or file.name in BESIDE]
        truths = [file for file in files if stems[file] == TRUTH][:1]
        found.cases[name] = [*scan, *beside]
        found.truths.update((name, truth) for truth in truths)
        used = {*scan, *beside, *truths}
    found.strangers.extend(str(file.relative_to(root)) for file in files if file not in used)


def _stem(file: Path) -> str | None:
    """The name of an image without its ending; None of what is none, or is half of one."""
    try:
        return stem_of(file)
    except RefusedVolume:
        return None
