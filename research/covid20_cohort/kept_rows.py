"""The cohort's rows as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from segwatch.cohorts.table import KEYS
from segwatch.files import whole_file

_TEXTS = (*KEYS, "status", "undefined")


def write_parquet(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows as a table, in their order: texts, whole numbers and numbers by their values."""
    table = pa.table({name: _column([row.get(name) for row in rows], name) for name in rows[0]})
    with whole_file(out) as beside:
        pyarrow.parquet.write_table(table, beside)


def _column(values: list[Any], name: str) -> pa.Array:
    text = name in _TEXTS or any(isinstance(value, str) for value in values)
    return pa.array(values, pa.string() if text else pa.float64())
