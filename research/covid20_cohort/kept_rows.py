"""Rows that are kept as they come, so that a run that was stopped goes on where it was."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from segwatch.cohorts.table import KEYS

Rows = dict[str, Any]
_TEXTS = (*KEYS, "status", "undefined")


class KeptRows:
    """A file of JSON lines, one a result, under the result's name. A line that was cut off is cut away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{whole}\n" if whole else "")
        self.rows: Rows = dict(map(json.loads, whole.splitlines()))

    def add(self, found: Iterable[tuple[str, Any]]) -> Iterable[str]:
        """Keep results as they come; yields their names."""
        with self._path.open("a") as file:
            for name, row in found:
                self.rows[name] = row
                file.write(json.dumps([name, row]) + "\n")
                file.flush()
                yield name


def write_parquet(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows as a table, in their order: texts, whole numbers and numbers by their values."""
    table = pa.table({name: _column([row.get(name) for row in rows], name) for name in rows[0]})
    unfinished = out.with_name(f".{out.name}.part")
    pyarrow.parquet.write_table(table, unfinished)
    unfinished.replace(out)


def _column(values: list[Any], name: str) -> pa.Array:
    text = name in _TEXTS or any(isinstance(value, str) for value in values)
    return pa.array(values, pa.string() if text else pa.float64())
