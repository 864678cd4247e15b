"""Cohort tables: what is read, and what is refused with which message."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from segwatch.cohorts.table import Cohort, read_cohort, training_rows
from segwatch.errors import RefusedCohort

HEAD = "case,patient,set,dice,smooth,count\n"
ROWS = "a,1,train,0.5,0.25,3\nb,2,train,0.9,,4\nc,3,test,1,0.75,5\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "cohort.csv"
        file.write_text(text)
        return file

    return write


def test_a_table_is_read_with_numbers_as_names_and_an_empty_cell_as_undefined(
    table: Callable[[str], Path],
) -> None:
    cohort = read_cohort(table(HEAD + ROWS))
    assert cohort.patients.tolist() == ["1", "2", "3"]
    assert cohort.features == ("smooth", "count")
    assert cohort.defined.tolist() == [True, False, True]
    assert cohort.set_names == ("train", "test")


def test_a_table_with_semicolons_is_the_one_with_commas(table: Callable[[str], Path]) -> None:
    with_commas = read_cohort(table(HEAD + ROWS))
    with_semicolons = read_cohort(table((HEAD + ROWS).replace(",", ";")))
    assert with_semicolons.sha256() == with_commas.sha256()


def test_a_semicolon_in_a_table_with_commas_separates_nothing(table: Callable[[str], Path]) -> None:
    cohort = read_cohort(table(HEAD.replace("smooth", "smooth;mm") + ROWS))
    assert cohort.features == ("smooth;mm", "count")


def test_csv_and_parquet_of_the_same_rows_have_the_same_hash_in_any_order(
    table: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = {
        "case": ["c", "a", "b"],
        "patient": ["3", "1", "2"],
        "set": ["test", "train", "train"],
        "dice": [1.0, 0.5, 0.9],
        "smooth": [0.75, 0.25, None],
        "count": [5.0, 3.0, 4.0],
    }
    pyarrow.parquet.write_table(pa.table(rows), tmp_path / "cohort.parquet")
    assert read_cohort(tmp_path / "cohort.parquet").sha256() == read_cohort(table(HEAD + ROWS)).sha256()


def test_another_value_gives_another_hash(table: Callable[[str], Path]) -> None:
    before = read_cohort(table(HEAD + ROWS)).sha256()
    assert read_cohort(table(HEAD + ROWS.replace("0.25", "0.26"))).sha256() != before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + ROWS + "a,9,test,0.5,0.5,1\n", "case a stands in the cohort twice"),
        (HEAD + ROWS + "d,1,test,0.5,0.5,1\n", "patient 1 is in 'train' and in a test set"),
        (HEAD + ROWS + "d,4,test,1.01,0.5,1\n", "case d has the Dice 1.01"),
        (HEAD + ROWS + "d,4,test,-0.1,0.5,1\n", "case d has the Dice -0.1"),
        (HEAD + ROWS + "d,4,test,,0.5,1\n", "case d has the Dice nan"),
        (HEAD + ROWS + "d,4,test,0.5,inf,1\n", r"column smooth holds inf \(case d\)"),
        (HEAD + ROWS + "d,4,test,0.5,NaN,1\n", r"column smooth holds nan \(case d\)"),
        (HEAD + ROWS + "d,4,test,0.5,many,1\n", r"column smooth holds 'many' \(case d\), which is no number"),
        (HEAD + ROWS + "d,4,test,true,0.5,1\n", r"column dice holds 'true' \(case d\)"),
        (HEAD + ROWS + 'd,4,test,"0,5",0.5,1\n', r"column dice holds '0,5' \(case d\), with a decimal comma"),
        ((HEAD + "a,1,train,0.5,0.25,3\n").replace(",", ";").replace("0.5", "0,5"), "a decimal comma"),
        (HEAD + ROWS + "d,,test,0.5,0.5,1\n", "column patient is empty in row 4"),
        (HEAD, "has no rows"),
        ("case,patient,dice,smooth\na,1,0.5,1\n", "lacks the columns set"),
        ("case,patient,set,dice\na,1,train,0.5\n", "no feature column"),
        (HEAD + "a,1,train\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused_by_what_is_wrong(
    text: str, says: str, table: Callable[[str], Path]
) -> None:
    with pytest.raises(RefusedCohort, match=says):
        read_cohort(table(text))


@pytest.mark.parametrize(("name", "says"), [("none.csv", "no file"), ("cohort.xlsx", "neither")])
def test_a_file_that_is_no_table_is_refused(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedCohort, match=says):
        read_cohort(tmp_path / name)


def test_a_feature_that_the_cohort_lacks_is_named(make_cohort: Callable[..., Cohort]) -> None:
    with pytest.raises(RefusedCohort, match="lacks the columns roundness"):
        make_cohort().select(("intensity_mode", "roundness"))


def test_fewer_than_five_patients_are_refused(make_cohort: Callable[..., Cohort]) -> None:
    with pytest.raises(RefusedCohort, match="4 patients with defined features, fewer than 5"):
        training_rows(make_cohort(patients=16, tests=12))


@pytest.mark.parametrize(("dice", "says"), [(0.9, "no study is failed"), (0.3, "no study is good")])
def test_one_class_only_is_refused(dice: float, says: str, make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    cohort.dice[:] = dice
    with pytest.raises(RefusedCohort, match=says):
        training_rows(cohort)


def test_a_class_that_one_patient_alone_has_is_refused(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    cohort.dice[:] = 0.9
    cohort.dice[:2] = 0.1
    with pytest.raises(RefusedCohort, match="only one patient has a study that is failed"):
        training_rows(cohort)


def test_a_cohort_without_the_set_train_is_refused(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    with pytest.raises(RefusedCohort, match="no set 'train'; it has test"):
        training_rows(cohort.rows(np.asarray(cohort.sets == "test")))
