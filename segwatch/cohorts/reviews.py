"""Reviews of studies as people write them: a sheet with a line a study, its true Dice or a word for it.

A word is a bin of Dice: `failed` is below 0.6 (the three lowest bins), `acceptable` is 0.6 or more and below
0.8, `good` is 0.8 or more. A Dice is one of the words as well; a word is no Dice.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwatch.cohorts.table import Cohort
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.errors import RefusedCohort
from segwatch.files import csv_delimiter

FAILED_WORD = "failed"
CATEGORIES = ("good", "acceptable", FAILED_WORD)
CASE = ("case", "study")
REVIEW = ("review", "dice", "category", "quality", "verdict", "rating")
"""What the column may be called; each may hold Dice and words."""
SITE = "site"
"""The set of studies whose table names none."""
MOST_NAMED = 5
Line = Mapping[str, str]
"""A line of a sheet: what stands under each column's name, in lower case, without spaces around it."""


@dataclass(frozen=True)
class Review:
    """What was said of a study: whether its mask failed, and its Dice where that was measured."""

    row: int
    case: str
    failed: bool
    dice: float | None = None


@dataclass(frozen=True)
class Sheet:
    """A sheet of reviews.

    Attributes:
        path: where it is.
        lines: by the row's number, as a spreadsheet counts them.
        reviews: of the lines that have one.
    """

    path: Path
    lines: Mapping[int, Line]
    reviews: tuple[Review, ...]


def read_sheet(path: Path) -> Sheet:
    """The reviews in a .csv (commas, semicolons or tabs; UTF-8, UTF-16 or Latin-1) or .parquet file.

    Raises:
        RefusedCohort: naming the file, and the rows of what is wrong: no column for the study or the review,
            a word that is no category, a Dice outside 0 to 1, a study twice, no review at all.
    """
    lines = _lines(path)
    case, *other = _columns(path, lines, CASE)
    if other:
        raise RefusedCohort(f"{path} has the columns {case} and {other[0]}: leave one")
    columns = _columns(path, lines, REVIEW)
    wrong, reviews, seen = [], [], dict[str, int]()
    for row, line in lines.items():
        try:
            name = _new_name(line[case], case, seen)
            reviews += _review_in(row, name, {column: line[column] for column in columns})
        except ValueError as error:
            wrong.append(f"row {row}: {error}")
        seen.setdefault(line[case], row)
    _refuse(path, wrong)
    if not reviews:
        raise RefusedCohort(f"{path}: no row has a review: write {_asked()} in the column {columns[0]}")
    return Sheet(path, lines, tuple(reviews))


def _new_name(name: str, column: str, seen: Mapping[str, int]) -> str:
    if not name:
        raise ValueError(f"the column {column} is empty")
    if name in seen:
        raise ValueError(f"{name!r} stands in row {seen[name]} too; leave one of them")
    return name


def _review_in(row: int, case: str, cells: Line) -> list[Review]:
    """The one review of a line, by its Dice where there is one; none where its cells are empty."""
    found = [review for text in cells.values() if (review := review_of(row, case, text)) is not None]
    if len({review.failed for review in found}) > 1:
        raise ValueError(f"{' and '.join(cells)} contradict each other: {' and '.join(cells.values())}")
    return sorted(found, key=lambda review: review.dice is None)[:1]


def review_of(row: int, case: str, text: str) -> Review | None:
    """What a cell says; None where it is empty.

    Raises:
        ValueError: it is neither a category nor a Dice.
    """
    word = text.lower()
    if not word:
        return None
    if word in CATEGORIES:
        return Review(row, case, failed=word == FAILED_WORD)
    dice = _number(word)
    if dice is None or not 0 <= dice <= 1:
        raise ValueError(f"{text!r} is no review: write {_asked()}")
    return Review(row, case, dice < FAILED_BELOW, dice)


def studies_of(sheet: Sheet, features: Sequence[str]) -> Cohort | None:
    """The measures that stand in the sheet itself, of all its rows; None where it has not all of the columns.

    Raises:
        RefusedCohort: a patient is missing, or a measure is no number; names the rows.
    """
    first = next(iter(sheet.lines.values()))
    if "patient" not in first or not set(features) <= set(first):
        return None
    case = _columns(sheet.path, sheet.lines, CASE)[0]
    nobody = [row for row, line in sheet.lines.items() if not line["patient"]]
    wrong = [f"row {row}: the column patient is empty" for row in nobody]
    values = np.full((len(sheet.lines), len(features)), np.nan)
    for number, (row, line) in enumerate(sheet.lines.items()):
        for place, name in enumerate(features):
            value = _number(line[name]) if line[name] else math.nan
            if value is None or math.isinf(value):
                wrong.append(f"row {row}: {name} is {line[name]!r}, which is no number")
            else:
                values[number, place] = value
    _refuse(sheet.path, wrong)
    lines = list(sheet.lines.values())
    return Cohort(
        np.array([line[case] for line in lines], dtype=np.str_),
        np.array([line["patient"] for line in lines], dtype=np.str_),
        np.array([line.get("set") or SITE for line in lines], dtype=np.str_),
        np.full(len(lines), np.nan),
        tuple(features),
        values,
    )


def rows_reviewed(sheet: Sheet, studies: Cohort) -> list[int]:
    """Where each review's study stands among the studies.

    Raises:
        RefusedCohort: naming the rows of studies that are not among them.
    """
    known = {case: number for number, case in enumerate(studies.cases.tolist())}
    _refuse(
        sheet.path,
        [
            f"row {review.row}: {review.case!r} is not among the studies that were scored"
            for review in sheet.reviews
            if review.case not in known
        ],
    )
    return [known[review.case] for review in sheet.reviews]


def _asked() -> str:
    return f"{', '.join(CATEGORIES[:-1])} or {CATEGORIES[-1]}, or a Dice from 0 to 1"


def _number(text: str) -> float | None:
    """A number with a point or a decimal comma; NaN is none."""
    try:
        value = float(text.replace(",", ".", 1) if "." not in text else text)
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _refuse(path: Path, wrong: Sequence[str]) -> None:
    if wrong:
        more = f"\n  and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise RefusedCohort(f"{path}:\n  " + "\n  ".join(wrong[:MOST_NAMED]) + more)


def _columns(path: Path, lines: Mapping[int, Line], names: Sequence[str]) -> list[str]:
    there = next(iter(lines.values()))
    found = [name for name in names if name in there]
    if not found:
        raise RefusedCohort(f"{path} has no column {' or '.join(names)}; it has {', '.join(there)}")
    return found


def _lines(path: Path) -> dict[int, Line]:
    """Row by row, without those that are empty. The row of names is the first."""
    try:
        rows = list(_cells(path))
    except FileNotFoundError:
        raise RefusedCohort(f"there is no file {path}") from None
    except (OSError, csv.Error) as error:
        raise RefusedCohort(f"{path} cannot be read: {str(error)[:200]}") from None
    names = [name.strip().lower() for name in rows[0]] if rows else []
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise RefusedCohort(f"{path} has the column {twice[0]} twice")
    lines: dict[int, Line] = {}
    for number, cells in enumerate(rows[1:], start=2):
        texts = [cell.strip() for cell in cells]
        if any(texts):
            lines[number] = dict(zip(names, [*texts, *[""] * len(names)][: len(names)], strict=True))
    if not lines:
        raise RefusedCohort(f"{path} has no rows")
    return lines


def _cells(path: Path) -> Iterator[Sequence[str]]:
    if path.suffix.lower() == ".parquet":
        yield from _parquet(path)
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        text = _text(path)
        head, _, rest = text.partition("\n")
        if head.lower().startswith("sep="):  # Excel's own first line, which it does not show
            text, head = rest, rest.partition("\n")[0]
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(head))
    else:
        raise RefusedCohort(f"{path} is neither .csv nor .parquet: save the sheet as CSV")


def _parquet(path: Path) -> Iterator[Sequence[str]]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except pa.ArrowException as error:
        raise RefusedCohort(f"{path} cannot be read: {str(error)[:200]}") from None
    yield table.column_names
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield ["" if cell is None else str(cell) for cell in row]


def _text(path: Path) -> str:
    """As a spreadsheet saved it: with a byte order mark or without, and Latin-1 where it is no Unicode."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise RefusedCohort(f"{path} is no text: save the sheet as CSV")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _delimiter(head: str) -> str:
    return "\t" if "\t" in head and ";" not in head and "," not in head else csv_delimiter(head)
