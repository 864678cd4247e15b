"""Sheets of reviews, as people and spreadsheets write them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from segwatch.cohorts.reviews import Review, read_sheet, rows_reviewed, studies_of
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from tests.support.cohorts import made_up

EXPECTED = (
    Review(2, "a", failed=False),
    Review(3, "b", failed=True, dice=0.59),
    Review(5, "d", failed=False, dice=0.6),
)
PLAIN = "case,review,remark\na,good,\nb,0.59,\nc,,\nd,0.6,café\n"


def sheet_of(tmp_path: Path, text: str | bytes, name: str = "sheet.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.encode("latin-1"),
        PLAIN.encode("utf-16"),
        "Case;Review;Remark\r\na; GOOD ;\r\nb;0,59;\r\nc;;\r\nd;0,6;\r\n;;\r\n",
        "CASE\tREVIEW\na\tGood\nb\t0.59\nc\t\nd\t.6\n",
        "study,category\na,good\nb,0.59\nc,\nd,0.6\n",
        "case,dice,category\na,,good\nb,0.59,\nc,,\nd,0.6,acceptable\n",
    ],
)
def test_however_a_spreadsheet_saved_it_the_same_reviews_are_read(tmp_path: Path, text: str | bytes) -> None:
    assert read_sheet(sheet_of(tmp_path, text)).reviews == EXPECTED


def test_excels_own_first_line_is_no_row(tmp_path: Path) -> None:
    assert read_sheet(sheet_of(tmp_path, "sep=;\n" + PLAIN.replace(",", ";"))).reviews == EXPECTED


def test_a_parquet_file_is_read_as_well(tmp_path: Path) -> None:
    table = pa.table({"case": list("abcd"), "review": ["good", "0.59", None, "0.6"]})
    pyarrow.parquet.write_table(table, tmp_path / "sheet.parquet")
    assert read_sheet(tmp_path / "sheet.parquet").reviews == EXPECTED


@pytest.mark.parametrize(("word", "failed"), [("failed", True), ("acceptable", False), ("good", False)])
def test_words_are_bins_of_dice(tmp_path: Path, word: str, failed: bool) -> None:
    (review,) = read_sheet(sheet_of(tmp_path, f"case,review\na,{word}\n")).reviews
    assert (review.failed, review.dice) == (failed, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,review\na,goood\nb,82\n", r"row 2: 'goood' is no review.*\n.*row 3: '82' is no review"),
        ("case,review\na,good\nb,good\na,failed\n", "row 4: 'a' stands in row 2 too"),
        ("case,review\n,good\n", "row 2: the column case is empty"),
        ("case,dice,category\na,0.9,failed\n", "row 2: dice and category contradict each other"),
        ("case,review\na,\n", "no row has a review: write good, acceptable or failed"),
        ("case,review\na,nan\n", "'nan' is no review"),
        ("case,remark\na,good\n", "no column review or dice"),
        ("case,review,Review\na,good,good\n", "the column review twice"),
        ("name,review\na,good\n", "no column case or study"),
        ("case,review\n", "has no rows"),
        ("", "has no rows"),
        (b"PK\x03\x04\0\0", "is no text: save the sheet as CSV"),
    ],
)
def test_a_bad_sheet_is_refused_by_its_rows(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = sheet_of(tmp_path, text)
    with pytest.raises(RefusedCohort, match=f"(?s){said}") as refused:
        read_sheet(path)
    assert str(path) in str(refused.value)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedCohort, match=r"neither \.csv nor \.parquet"):
        read_sheet(sheet_of(tmp_path, b"PK", "sheet.xlsx"))
    with pytest.raises(RefusedCohort, match="there is no file"):
        read_sheet(tmp_path / "none.csv")


def test_studies_that_were_not_scored_are_named_by_their_rows(tmp_path: Path) -> None:
    studies: Cohort = made_up()
    sheet = read_sheet(sheet_of(tmp_path, "case,review\ncase-3,good\ncase-x,good\n"))
    with pytest.raises(RefusedCohort, match="row 3: 'case-x' is not among the studies"):
        rows_reviewed(sheet, studies)
    known = read_sheet(sheet_of(tmp_path, "case,review\ncase-3,good\n"))
    assert rows_reviewed(known, studies) == [3]


def test_measures_that_stand_in_the_sheet_are_read_of_every_row(tmp_path: Path) -> None:
    sheet = read_sheet(sheet_of(tmp_path, "case;patient;review;x\na;p;good;1,5\nb;q;;\n"))
    rows = studies_of(sheet, ["x"])
    assert rows is not None
    assert rows.cases.tolist() == ["a", "b"]
    assert rows.values[0, 0] == 1.5
    assert not rows.defined[1]
    assert studies_of(sheet, ["y"]) is None
    wrong = read_sheet(sheet_of(tmp_path, "case,patient,review,x\na,p,good,inf\nb,,good,1\n"))
    with pytest.raises(RefusedCohort, match=r"(?s)row 3: the column patient.*row 2: x is 'inf'"):
        studies_of(wrong, ["x"])
