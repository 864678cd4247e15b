"""A folder of tables, as `python -m research make` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet

from segwatch.cohorts.table import Cohort, read_cohort, stacked
from segwatch.errors import RefusedCohort

Making = dict[str, str | float | None]


@dataclass(frozen=True)
class Tables:
    """The cohort and the external set, under the product's lung masks and under the expert's.

    Attributes:
        made: how each row of the cohort was made, in the rows' order.
    """

    cohort: Cohort
    external: Cohort
    cohort_expert: Cohort
    external_expert: Cohort
    made: Sequence[Making]


def read_tables(folder: Path) -> Tables:
    """The tables of a folder.

    Raises:
        RefusedCohort: a table is missing or unsound, or they are not of the same rows.
    """
    names = ("covid20", "external", "covid20-expert-lung", "external-expert-lung")
    own, published, own_expert, published_expert = (read_cohort(folder / f"{name}.parquet") for name in names)
    path = folder / "covid20-made.parquet"
    if not path.is_file():
        raise RefusedCohort(f"there is no file {path}: give the folder that `python -m research make` wrote")
    made = pyarrow.parquet.read_table(path).to_pylist()
    if [row["case"] for row in made] != own.cases.tolist():
        raise RefusedCohort(f"{path} does not list the rows of covid20.parquet: make the cohort again")
    return Tables(own, published, own_expert, published_expert, made)


def read_shipped_rows(folder: Path) -> Cohort:
    """What the shipped scorer learns from, each case named after its table.

    The cohort, published masks and their variants, truths and damaged ones, under both lung masks.

    Raises:
        RefusedCohort: a table is missing or unsound.
    """
    kinds = ("covid20", "published", "truths")
    names = [f"{kind}{lung}" for kind in kinds for lung in ("", "-expert-lung")]
    return stacked({name: read_cohort(folder / f"{name}.parquet") for name in names})
