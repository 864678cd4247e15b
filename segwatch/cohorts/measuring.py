"""Measuring a folder of cases: all cores, restartable, and one bad case never stops the rest.

```
FOLDER/cohort.csv                   columns case, patient, set (may be missing: see `listed`)
FOLDER/CASE/ct.nii.gz               lesion_predicted.nii.gz; lung.nii.gz and lesion_truth.nii.gz if there
```
An image may also be .nii, .nrrd or .mha, its name in any case of letters.
Each case's result lies beside the table until all are there; a second start goes on with what is missing.
"""

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from segwatch.cohorts.columns import BESIDE, TRUTH_SHARE
from segwatch.cohorts.lungs import Lungs, check_for_cases, maker
from segwatch.cohorts.opinions import AskedOpinion, giving, model_named, named
from segwatch.contracts.identity import digest_of
from segwatch.contracts.quality import OPINION
from segwatch.errors import BadInput, RefusedCohort, Unprocessable
from segwatch.features.files import Request, dice_of_files, scene_of_files, truth_share_of_files
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.profiles import FeatureOptions
from segwatch.features.registry import versions_of
from segwatch.features.scene import Scene
from segwatch.files import csv_delimiter, finished_rows, size_and_time
from segwatch.processes import pool_of
from segwatch.progress import progress
from segwatch.volumes.case_files import case_image, expected_image
from segwatch.volumes.hounsfield import AskedUnit
from segwatch.volumes.labels import NAMES_FILE, LesionLabel

Row = dict[str, Any]
IMAGES = CT, PREDICTED, TRUTH = ("ct", "lesion_predicted", "lesion_truth")
"""A case's images, by their names without the format's ending."""


@dataclass(frozen=True)
class CohortCase:
    """A case's folder, and whose it is."""

    folder: Path
    patient: str
    set: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


@dataclass(frozen=True)
class How:
    """How every case is measured: see `files.Request`.

    Attributes:
        lungs: where lung masks come from.
        lesion_label: which label of predicted and true masks is lesion.
        opinion: whose second opinion is measured.
        with_truth: whether the Dice is computed where an expert's mask is there.
        pictures: the folder of a picture of each case; none is drawn where it is empty.
    """

    options: FeatureOptions
    features: tuple[str, ...]
    native: bool = False
    ct_unit: AskedUnit = "auto"
    whole: bool = True
    lungs: Lungs = field(default_factory=Lungs)
    opinion: AskedOpinion = field(default_factory=AskedOpinion)
    with_truth: bool = True
    pictures: str = ""
    lesion_label: LesionLabel = field(default_factory=LesionLabel)


def listed(folder: Path) -> list[CohortCase]:
    """The cases of a folder, in the order of their names.

    Without a `cohort.csv` every case is its own patient, and the set is `all`.

    Raises:
        BadInput: no such folder, or no case in it.
        RefusedCohort: a `cohort.csv` that `whose_of` refuses, that names a case by what is no folder's name,
            or that lacks a case that is there.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    folders = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    if not folders:
        raise BadInput(
            f"{folder} holds no case: one folder a case is needed, with {CT} and {PREDICTED}.nii.gz"
        )
    table = folder / "cohort.csv"
    if not table.is_file():
        return [CohortCase(path, path.name, "all") for path in folders]
    whose = whose_of(table)
    if strange := [name for name in whose if Path(name).name != name or name == ".."]:
        raise RefusedCohort(f"{table} names the case {strange[0]!r}, which is no folder's name")
    there = {path.name: path for path in folders}
    if unnamed := [name for name in there if name not in whose]:
        raise RefusedCohort(f"{table} does not name the case {unnamed[0]} ({len(unnamed)} such): add its row")
    return [CohortCase(there.get(name, folder / name), *whose[name]) for name in sorted(whose)]


def asked_unit(text: str) -> AskedUnit:
    """What a CT holds, as `--ct-unit` names it.

    Raises:
        BadInput: there is no such unit.
    """
    if text not in get_args(AskedUnit):
        raise BadInput(f"--ct-unit {text}: it is none of {', '.join(get_args(AskedUnit))}")
    return cast("AskedUnit", text)


def measure_all(cases: list[CohortCase], how: How, parts: Path, workers: int) -> list[Row]:
    """As `measure_cohort`, in so many processes (0 is one a core), with a progress bar.

    Raises:
        BadInput: as `check_for_cases`.
    """
    check_for_cases(how.lungs)
    processes = partial(in_processes, workers=workers)
    with progress("measured", len(cases)) as done:
        return measure_cohort(cases, how, parts, done, processes)


def measure_cohort(
    cases: list[CohortCase],
    how: How,
    parts: Path,
    done: Callable[[], None],
    measured: Callable[[list[CohortCase], How], Iterable[tuple[CohortCase, Row]]],
) -> list[Row]:
    """A row for each case, in the cases' order; `refused` and `reason` stand in the rows of bad ones.

    Args:
        cases: to be measured.
        how: how they are measured.
        parts: the folder where each case's row lies as soon as it is known.
        done: called for each case that is done with.
        measured: measures those of which no row is known yet, in any order; `in_processes` does.
    """
    rows = {}
    finished = finished_rows(parts).resume(
        cases, lambda case: _made_from(case, how), lambda missing: measured(missing, how)
    )
    for case, row in finished:
        rows[case.name] = row
        done()
    return [rows[case.name] for case in cases]


def measure_case(case: CohortCase, how: How) -> Row:
    """The case's row; what is wrong with it stands there instead of its measures."""
    row: Row = {"case": case.name, "patient": case.patient, "set": case.set}
    try:
        request, truth = request_of(case.folder, how), case_image(case.folder, TRUTH)
        scene = scene_of_files(request, streamed=not how.pictures)
        measures = measure_scene(scene, request.wanted)
        if how.pictures:
            _draw(scene, measures, Path(how.pictures) / f"{case.name}.png")
        if how.with_truth and truth is not None:
            row["dice"] = dice_of_files(request.lesion, truth, how.lesion_label)
            row[TRUTH_SHARE] = truth_share_of_files(scene, request, truth)
    except Unprocessable as error:
        return {**row, "refused": error.kind, "reason": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one case, the others are measured
        return {**row, "refused": f"unexpected_{type(error).__name__}", "reason": str(error)}
    row |= {"status": measures.status, "undefined": measures.undefined, "ct_unit": measures.ct_unit}
    row |= {"opinion": named(measures.opinion)}
    given = "given" if request.lung is not None else how.lungs.made
    return {**row, **measures.features, "lung": "none" if scene.given_lung is None else given}


def request_of(folder: Path, how: How) -> Request:
    """What is measured of the case in a folder.

    Raises:
        RefusedVolume: an image is there twice.
    """
    ct, predicted = (expected_image(folder, name) for name in (CT, PREDICTED))
    return request_for(ct, predicted, how.lungs.of(folder), how)


def request_for(ct: Path, lesion: Path, lung: Path | None, how: How) -> Request:
    """What is measured of these files."""
    return Request(
        ct,
        lesion,
        lung,
        native=how.native,
        options=how.options,
        ct_unit=how.ct_unit,
        features=how.features,
        whole=how.whole,
        make_lung=maker(how.lungs),
        lesion_label=how.lesion_label,
        give_opinion=giving(how.opinion) if set(OPINION) & set(how.features) else None,
    )


def measures_in(row: Row, how: How) -> Measures:
    """The measures that a row holds; it is none of a refused case."""
    features = {name: row[name] for name in how.features}
    whose = model_named(row.get("opinion"))
    return Measures(row["status"], features, row["undefined"], how.options, row["ct_unit"], whose)


def whose_of(table: Path) -> dict[str, tuple[str, str]]:
    """Patient and set of each case, from a CSV with the columns case, patient, set.

    Raises:
        RefusedCohort: it cannot be read, is no CSV in UTF-8, lacks a column or a cell, or names a case twice.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            separator = csv_delimiter(file.readline())
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=separator))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedCohort(f"{table} is no CSV in UTF-8 ({error}): save it as such") from None
    except OSError as error:
        raise RefusedCohort(f"{table} cannot be read: {error}") from None
    whose: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(rows, start=1):
        case, patient, of_set = (row.get(name) or "" for name in ("case", "patient", "set"))
        if not (case and patient and of_set):
            raise RefusedCohort(f"{table} needs case, patient and set in every row; row {number} lacks one")
        if case in whose:
            raise RefusedCohort(f"{table} names the case {case!r} twice")
        whose[case] = (patient, of_set)
    return whose


def in_processes(cases: list[CohortCase], how: How, workers: int) -> Iterator[tuple[CohortCase, Row]]:
    """Rows as they come from so many processes (0 is one a core).

    A case that kills its process is measured again alone, to know which it was.
    """
    unclear = []
    with pool_of(min(workers or os.cpu_count() or 1, max(1, len(cases)))) as pool:
        running: dict[Future[Row], CohortCase] = {
            pool.submit(measure_case, case, how): case for case in cases
        }
        for future in as_completed(running):
            try:
                yield running[future], future.result()
            except BrokenProcessPool:
                unclear.append(running[future])
    for case in unclear:
        with pool_of(1) as alone:
            try:
                row = alone.submit(measure_case, case, how).result()
            except BrokenProcessPool:
                row = {"case": case.name, "patient": case.patient, "set": case.set}
                row |= {"refused": "crashed", "reason": "its process was killed: too little memory?"}
        yield case, row


def _draw(scene: Scene, measures: Measures, path: Path) -> None:
    from segwatch.features.figure import draw  # late: matplotlib takes a second, and few want pictures

    draw(scene, measures, path)


def _made_from(case: CohortCase, how: How) -> str:
    images = [path for path in sorted(case.folder.glob("*")) if path.name.lower().startswith(IMAGES)]
    paths = [*images, how.lungs.of(case.folder), case.folder / NAMES_FILE]
    files = [(path.name, *size_and_time(path)) for path in paths if path is not None and path.is_file()]
    return digest_of(
        [case.name, case.patient, case.set, files, asdict(how), versions_of(how.features), BESIDE]
    )
