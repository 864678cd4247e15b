"""Writes rows as a table, Parquet or CSV, as `segwatch train` reads a cohort."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from segwatch.cohorts.columns import BESIDE, KEYS, MADE_BY, REMARKS
from segwatch.errors import BadInput
from segwatch.files import whole_file

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


def table_of(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> pa.Table:
    """The rows as a table of these columns: texts, numbers, flags; what a row lacks is an empty cell."""
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def measures_table(rows: Sequence[Mapping[str, Any]], features: Sequence[str]) -> pa.Table:
    """Rows of `segwatch.cohorts.measuring`: keys, what the truths say if any has one, features, status,
    undefined (JSON).
    """
    truths = tuple(name for name in BESIDE if any(name in row for row in rows))
    in_words = [{**row, "undefined": json.dumps(row["undefined"])} for row in rows]
    made_by = [name for name in MADE_BY if any(row.get(name) for row in rows)]
    said = [name for name in REMARKS if name not in MADE_BY]
    return table_of(in_words, (*KEYS, *truths, *features, *said, *made_by))


def write_table(path: Path, table: pa.Table) -> None:
    """Write the table, whole or not at all."""
    write = pyarrow.csv.write_csv if path.suffix == ".csv" else pyarrow.parquet.write_table
    with whole_file(path) as beside:
        write(table, beside)


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    if name in (*KEYS, *REMARKS) or any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string())
    return pa.array(values, pa.bool_() if any(isinstance(value, bool) for value in values) else pa.float64())
