"""Puts cases from elsewhere into a folder of cases, as `segwatch measure --cohort` reads it."""

import csv
import gzip
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from segwatch.cohorts.layouts import ENDINGS, SourceCase
from segwatch.errors import RefusedCohort
from segwatch.files import whole_file
from segwatch.volumes.case_files import USUAL

TABLE = "cohort.csv"
COLUMNS = ("case", "patient", "set")
Whose = Mapping[str, tuple[str, str]]


def arrange(
    sources: Sequence[SourceCase], folder: Path, whose: Whose | None, default_set: str, *, brief: bool = False
) -> None:
    """Put each case into `folder/CASE`, and write `cohort.csv` last.

    Files are hard links, where that cannot be done copies; a `brief` folder, that is to be deleted soon, has
    symbolic links. Plain NIfTI is compressed.

    Args:
        sources: the cases. folder: made if it is not there; cases in it are written anew.
        whose: each case's patient and set; without it a case is its layout's patient, in `default_set`.

    Raises:
        RefusedCohort: a case lacks its prediction or its truth, a name is no folder's name, or `whose` does
            not name it. Nothing is written then.
    """
    for source in sources:
        _check(source, whose)
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        target = folder / source.name
        target.mkdir(exist_ok=True)
        files = (
            ("ct", source.ct),
            ("lesion_predicted", source.predicted),
            ("lesion_truth", source.truth),
            ("lung", source.lung),
        )
        for name, file in files:
            if file is not None:
                _put(file, target, name, brief=brief)
    rows = [(source.name, *_owner(source, whose, default_set)) for source in sources]
    with whole_file(folder / TABLE) as beside, beside.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


def _check(source: SourceCase, whose: Whose | None) -> None:
    if Path(source.name).name != source.name or source.name.startswith("."):
        raise RefusedCohort(f"the case {source.name!r} has a name that no folder can have")
    if source.predicted is None:
        raise RefusedCohort(
            f"the case {source.name} ({source.ct}) has no prediction: put it where the layout has it, or "
            f"name a folder that holds {source.name}.nii.gz with --predictions"
        )
    if source.truth is None:
        raise RefusedCohort(
            f"the case {source.name} ({source.ct}) has no expert's mask: without truth there is no Dice"
        )
    if whose is not None and source.name not in whose:
        raise RefusedCohort(
            f"the table of patients and sets does not name the case {source.name}: add its row"
        )


def _owner(source: SourceCase, whose: Whose | None, default_set: str) -> tuple[str, str]:
    return (source.patient, default_set) if whose is None else whose[source.name]


def _put(file: Path, folder: Path, name: str, *, brief: bool) -> None:
    plain = file.name.endswith(".nii")
    ending = USUAL if plain else next(each for each in ENDINGS if file.name.endswith(each))
    for other in set(ENDINGS) - {ending}:
        (folder / f"{name}{other}").unlink(missing_ok=True)  # of an earlier time: a case has one
    there = file.resolve()
    with whole_file(folder / f"{name}{ending}") as beside:
        if plain:
            with there.open("rb") as stream, gzip.open(beside, "wb", compresslevel=1) as packed:
                shutil.copyfileobj(stream, packed)
            shutil.copystat(there, beside)
        elif brief:
            beside.symlink_to(there)
        else:
            try:
                os.link(there, beside)
            except OSError:
                shutil.copy2(there, beside)
