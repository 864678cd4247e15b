"""A case's images by their names: `ct`, `lesion_predicted`, `lung`, in any format that is read."""

from pathlib import Path

from segwatch.volumes.read import IMAGES, stem_of
from segwatch.volumes.refusals import refused

USUAL = ".nii.gz"


def case_image(folder: Path, stem: str) -> Path | None:
    """The image of that name in a case's folder, whatever its format and the case of its letters.

    Raises:
        RefusedVolume: unknown_file, there are two.
    """
    usual = folder / f"{stem}{USUAL}"
    found = [path for path in _files(folder) if _is(path, stem)]
    if len(found) > 1:
        problem = f"it and {found[1].name} are both the case's {stem}; leave one of them"
        raise refused("unknown_file", found[0].name, problem)
    return found[0] if found else usual if usual.is_file() else None


def expected_image(folder: Path, stem: str) -> Path:
    """The same; where there is none, the usual name, so that what reads it says what is missing."""
    return case_image(folder, stem) or folder / f"{stem}{USUAL}"


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())


def _is(path: Path, stem: str) -> bool:
    lower = path.name.lower()
    return lower.startswith(f"{stem.lower()}.") and lower.endswith(IMAGES) and stem_of(path) == stem.lower()
