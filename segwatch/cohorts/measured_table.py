"""A cohort's rows as a table: Parquet or CSV, as `segwatch train` reads it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from segwatch.cohorts.measuring import Row
from segwatch.errors import BadInput
from segwatch.files import whole_file

KEYS = ("case", "patient", "set")
SUFFIXES = (".parquet", ".csv")


def check_suffix(path: Path) -> None:
    """Nothing, where a table can be written to the path.

    Raises:
        BadInput: another suffix, no such folder, or itself a folder.
    """
    if path.suffix not in SUFFIXES:
        raise BadInput(f"{path}: a table is written as {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent}")
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name the table's file")


def write_table(path: Path, rows: Sequence[Row], features: Sequence[str]) -> None:
    """Write the rows: case, patient, set, dice if any case has it, features, status, undefined (JSON)."""
    columns = {key: pa.array([row[key] for row in rows], pa.string()) for key in KEYS}
    if any("dice" in row for row in rows):
        columns["dice"] = pa.array([row.get("dice") for row in rows], pa.float64())
    for name in features:
        columns[name] = pa.array([row[name] for row in rows], pa.float64())
    columns["status"] = pa.array([row["status"] for row in rows], pa.string())
    columns["undefined"] = pa.array([json.dumps(row["undefined"]) for row in rows], pa.string())
    _write(path, pa.table(columns))


def write_refused(path: Path, rows: Sequence[Row]) -> None:
    """Write the cases that could not be measured, and why."""
    names = (*KEYS, "refused", "reason")
    _write(path, pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}))


def _write(path: Path, table: pa.Table) -> None:
    with whole_file(path) as beside:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, beside)
        else:
            pyarrow.parquet.write_table(table, beside)
