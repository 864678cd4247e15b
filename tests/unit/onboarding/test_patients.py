"""Whose a case is."""

import pytest

from segwatch.errors import BadInput
from segwatch.onboarding.patients import patients_of

CASES = [f"p{number:02d}_scan{scan}" for number in range(8) for scan in (1, 2)]


@pytest.mark.parametrize("pattern", [r"(p\d+)_", r"^p\d+"])
def test_a_pattern_finds_the_patient_by_its_group_or_as_a_whole(pattern):
    assert patients_of(CASES, pattern, None)["p03_scan2"] == "p03"


def test_a_table_names_them_with_commas_or_semicolons(tmp_path):
    table = tmp_path / "patients.csv"
    for separator in ",;":
        rows = [f"{case}{separator}{case[:3]}" for case in CASES]
        table.write_text("\n".join([f"case{separator}patient", *rows]))
        assert patients_of(CASES, None, table)["p07_scan1"] == "p07"


def test_without_a_word_each_case_is_a_patient():
    assert patients_of(CASES, None, None) == {case: case for case in CASES}


@pytest.mark.parametrize(
    ("pattern", "rows", "message"),
    [
        ("(", None, "is no regular expression"),
        ("q", None, "finds no patient in the case p00_scan1"),
        (None, ["p00_scan1,a"], "no patient for the case p00_scan2"),
        (None, ["p00_scan1,a", "p00_scan1,b"], "twice"),
        (None, ["p00_scan1,"], "row 1 lacks one"),
    ],
)
def test_what_names_no_patient_is_refused(tmp_path, pattern, rows, message):
    table = None
    if rows is not None:
        table = tmp_path / "patients.csv"
        table.write_text("\n".join(["case,patient", *rows]))
    with pytest.raises(BadInput, match=message):
        patients_of(CASES[:14], pattern, table)


def test_seven_patients_are_too_few():
    with pytest.raises(BadInput, match=r"7 patients .*fewer than 8"):
        patients_of(CASES[:14], r"p\d+", None)
