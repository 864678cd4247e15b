"""The cells of a cohort's table, CSV or Parquet, and what is wrong with them in words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from segwatch.arrays import Floats, Texts
from segwatch.cohorts.columns import BESIDE, KEYS, REMARKS
from segwatch.errors import RefusedCohort
from segwatch.files import csv_delimiter


def read_table(path: Path) -> pa.Table:
    """The table in a file.

    Raises:
        RefusedCohort: there is none, it cannot be read, or it is neither .csv nor .parquet.
    """
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", errors="replace") as file:
                parsing = pyarrow.csv.ParseOptions(delimiter=csv_delimiter(file.readline()))
            # Only an empty cell is null: the text NaN is a value that somebody computed, and is refused.
            options = pyarrow.csv.ConvertOptions(
                null_values=[""], strings_can_be_null=True, column_types=dict.fromkeys(KEYS, pa.string())
            )
            return pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=options)
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise RefusedCohort(f"there is no file {path}") from None
    except (pa.ArrowException, OSError) as error:
        raise RefusedCohort(f"{path} cannot be read: {str(error)[:200]}") from None
    raise RefusedCohort(f"{path} is neither .csv nor .parquet")


def check_columns(table: pa.Table, source: Path, needed: Sequence[str]) -> None:
    """Nothing, where the table has rows, the columns that are needed, each column once, and a feature's.

    Raises:
        RefusedCohort: it has not; names what is missing.
    """
    names = table.column_names
    missing = [name for name in needed if name not in names]
    if missing:
        raise RefusedCohort(f"{source} lacks the columns {', '.join(missing)}; it has {', '.join(names)}")
    if len(set(names)) != len(names):
        raise RefusedCohort(f"{source} has a column twice")
    if set(names) <= {*needed, *BESIDE, *REMARKS}:
        raise RefusedCohort(f"{source} has no feature column beside {', '.join(needed)}")
    if not table.num_rows:
        raise RefusedCohort(f"{source} has no rows")


def texts(table: pa.Table, name: str) -> Texts:
    """A column as texts (n,), none of them empty.

    Raises:
        RefusedCohort: one is.
    """
    words = table[name].cast(pa.string()).to_pylist()
    if not all(words):
        raise RefusedCohort(f"the column {name} is empty in row {[bool(t) for t in words].index(False) + 1}")
    return np.array(words, dtype=np.str_)


def numbers(table: pa.Table, name: str, cases: Texts) -> Floats:
    """A column as floats (n,), null as NaN.

    Raises:
        RefusedCohort: a cell holds NaN itself, an infinity or no number; names the first such case.
    """
    column = table[name]
    if column.null_count == len(column):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise RefusedCohort(f"the column {name} holds {_no_number(column, cases)}")
    values = np.array(
        [np.nan if value is None else float(value) for value in column.to_pylist()], dtype=np.float64
    )
    strange = ~np.isfinite(values) & np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
    if strange.any():
        first = int(np.flatnonzero(strange)[0])
        raise RefusedCohort(
            f"the column {name} holds {values[first]} (case {cases[first]}): leave a measure that is "
            "undefined empty"
        )
    return values


def _no_number(column: pa.ChunkedArray, cases: Texts) -> str:
    """The first value of a column that is no number, its case, and what is wrong with it."""
    cells = [(case, cell) for case, cell in zip(cases, column.to_pylist(), strict=True) if cell is not None]
    case, cell = next((pair for pair in cells if not _is_number(str(pair[1]))), cells[0])
    if _is_number(str(cell).replace(",", ".", 1)) and not _is_number(str(cell)):
        return f"{cell!r} (case {case}), with a decimal comma: numbers are written with a point"
    return f"{cell!r} (case {case}), which is no number"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
