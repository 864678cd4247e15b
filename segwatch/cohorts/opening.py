"""A cohort, however it is given: a table of measures, or a folder of images that is measured first."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segwatch.cohorts.arrange import TABLE, arrange
from segwatch.cohorts.layouts import recognised, sources
from segwatch.cohorts.lungs import asked_lungs
from segwatch.cohorts.measuring import (
    FILES,
    CohortCase,
    How,
    Row,
    asked_unit,
    listed,
    measure_all,
    whose_of,
)
from segwatch.cohorts.opinions import asked_opinion
from segwatch.cohorts.table import Cohort, cohort_in, read_cohort
from segwatch.cohorts.write_table import measures_table, write_table
from segwatch.errors import RefusedCohort
from segwatch.features.profiles import FeatureOptions
from segwatch.features.registry import CATALOGUE, MEASURED


@dataclass(frozen=True)
class Opened:
    """The cohort, and where each case's files are and how they were measured, if it was measured here."""

    cohort: Cohort
    folders: dict[str, Path] = field(default_factory=dict)
    how: How | None = None


def open_cohort(
    path: Path,
    *,
    features: Sequence[str],
    ct_unit: str,
    lung: str | None,
    opinion: Path | None = None,
    unfinished: Path,
    measures: Path,
    workers: int = 0,
    patients_may_share: bool = False,
) -> Opened:
    """The cohort in a table, or in a folder: of cases, in the authors' JIP layout, or in nnU-Net's.

    Args:
        path: of the table or folder.
        features: what is needed of a folder. ct_unit: what its CTs hold: auto, hu or display.
        lung: where its lung masks come from, see `asked_lungs`.
        opinion: the bundle of the model that gives second opinions of its masks.
        unfinished: a folder for what is finished before all is, so that a second start goes on.
        measures: the table (.parquet) that is left of a folder's measures.
        workers: processes that measure, 0 is one a core.
        patients_may_share: see `read_cohort`.

    Raises:
        RefusedCohort: a table as `read_cohort` refuses it, or a case that cannot be measured; names it.
        BadInput: as `segwatch.cohorts.measuring.listed` raises it.
    """
    if not path.is_dir():
        return Opened(read_cohort(path, patients_may_share=patients_may_share))
    cases = listed(_as_cases(path, unfinished / "cases"))
    _check_files(cases)
    wanted = tuple(features) if all(name in CATALOGUE for name in features) else MEASURED
    how = How(
        FeatureOptions(),
        wanted,
        ct_unit=asked_unit(ct_unit),
        lungs=asked_lungs(lung),
        opinion=asked_opinion(opinion),
    )
    rows = measure_all(cases, how, unfinished / "measures", workers)
    _check_measured(rows)
    table = measures_table(rows, wanted)
    measures.parent.mkdir(parents=True, exist_ok=True)
    write_table(measures, table)
    cohort = cohort_in(table, path, patients_may_share=patients_may_share)
    return Opened(cohort, {case.name: case.folder for case in cases}, how)


def opened_for_training(
    path: Path,
    features: Sequence[str],
    ct_unit: str,
    lung: str | None,
    bundle: Path,
    opinion: Path | None = None,
) -> Cohort:
    """The cohort for a bundle. A folder's measures are left beside the bundle, as NAME.cohort.parquet.

    Raises:
        RefusedCohort, BadInput: as `open_cohort`.
    """
    unfinished = bundle.with_name(f".{bundle.name}.unfinished")
    measures = bundle.with_name(f"{bundle.name}.cohort.parquet")
    opened = open_cohort(
        path,
        features=features,
        ct_unit=ct_unit,
        lung=lung,
        opinion=opinion,
        unfinished=unfinished,
        measures=measures,
    )
    shutil.rmtree(unfinished, ignore_errors=True)
    return opened.cohort


def _as_cases(path: Path, links: Path) -> Path:
    """The folder itself, or one of links to its files if it is laid out otherwise."""
    layout = recognised(path)
    if layout is None:
        return path
    table = path / TABLE
    arrange(sources(layout, path), links, whose_of(table) if table.is_file() else None, "all", brief=True)
    return links


def _check_files(cases: Sequence[CohortCase]) -> None:
    for case in cases:
        for name in FILES:
            if not (case.folder / name).is_file():
                raise RefusedCohort(
                    f"the case {case.name} has no {name}: add it, or take the case out of the cohort"
                )


def _check_measured(rows: Sequence[Row]) -> None:
    """Every case has its measures and its Dice.

    Raises:
        RefusedCohort: one has not; the others' measures stay for the next start.
    """
    refused = [(row["case"], row["reason"]) for row in rows if "refused" in row]
    refused += [
        (row["case"], "both masks are empty, so their Dice is not defined")
        for row in rows
        if "refused" not in row and row.get("dice") is None
    ]
    if refused:
        case, reason = refused[0]
        more = f" ({len(refused)} such cases: {', '.join(name for name, _ in refused[:10])})"
        raise RefusedCohort(
            f"the case {case} cannot be measured: {reason}{more if len(refused) > 1 else ''}; repair it, or "
            "take it out of the cohort"
        )
