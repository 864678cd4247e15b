"""The scans a cohort is made from, in the layout of `shared/data/covid20`.

```
FOLDER/index.csv              columns case, patient
FOLDER/cases/CASE/ct.nii.gz   8-bit display values; lesion_truth.nii.gz; lung.nii.gz (expert);
                              lesion_predicted.nii.gz (published) if there
```
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segwatch.errors import BadInput
from segwatch.volumes.image import Mask
from segwatch.volumes.read import read_ct, read_mask

Levels = NDArray[np.float32]
"""Display values (z, y, x) as shares of the window: 0 is −1000 HU, 1 is 400 HU (`--ct-unit display`)."""
WHITE = 255.0
_PUBLISHED = "lesion_predicted.nii.gz"


class RefusedSource(BadInput):
    """A folder that no cohort can be made from. The message says which file and why."""


@dataclass(frozen=True)
class Listed:
    """A case's folder and whose it is."""

    folder: Path
    patient: str

    @property
    def name(self) -> str:
        """The case's name."""
        return self.folder.name

    @property
    def has_published(self) -> bool:
        """Whether a published prediction came with the scan."""
        return (self.folder / _PUBLISHED).is_file()


@dataclass(frozen=True)
class Scan:
    """One scan: arrays (z, y, x) of one shape in canonical orientation, spacing (z, y, x) in mm."""

    levels: Levels
    truth: Mask
    expert_lung: Mask
    spacing: tuple[float, float, float]


def listed(folder: Path) -> list[Listed]:
    """The cases of a folder by name, with their patients.

    Raises:
        RefusedSource: no index, a case without patient or files, or fewer patients than can be split.
    """
    index = folder / "index.csv"
    if not index.is_file():
        raise RefusedSource(f"there is no {index}: give the folder that holds index.csv and cases/")
    with index.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        name, patient = row.get("case") or "", row.get("patient") or ""
        case = folder / "cases" / name
        if not name or not patient:
            raise RefusedSource(f"{index} needs case and patient in every row")
        for needed in ("ct", "lesion_truth", "lung"):
            if not (case / f"{needed}.nii.gz").is_file():
                raise RefusedSource(f"the case {name} lacks {case / needed}.nii.gz")
        found.append(Listed(case, patient))
    if len({case.name for case in found}) != len(found):
        raise RefusedSource(f"{index} names a case twice")
    return sorted(found, key=lambda case: case.name)


def read_scan(case: Listed) -> Scan:
    """A case's scan.

    Raises:
        RefusedSource: the CT is not 8-bit display values, or the truth is empty.
        RefusedVolume: a file is damaged, or masks do not lie on the CT's voxels.
    """
    ct = read_ct(case.folder / "ct.nii.gz")
    if ct.array.min() < 0 or ct.array.max() > WHITE:
        raise RefusedSource(f"{case.name}: the CT is not in 8-bit display values (0 to 255)")
    truth, lung = (
        read_mask(case.folder / f"{name}.nii.gz", ct.geometry).array for name in ("lesion_truth", "lung")
    )
    if not truth.any():
        raise RefusedSource(f"{case.name}: the true lesion mask is empty, so no prediction has a Dice")
    return Scan(ct.array.astype(np.float32) / np.float32(WHITE), truth, lung, ct.geometry.spacing_zyx_mm)


def read_published(case: Listed) -> Mask:
    """The published prediction (z, y, x) of a case that has one."""
    return read_mask(case.folder / _PUBLISHED, read_ct(case.folder / "ct.nii.gz").geometry).array
