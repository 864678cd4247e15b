"""Whose each case is: by a pattern of its name, or by a table."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from segwatch.errors import BadInput
from segwatch.files import csv_delimiter

FEWEST = 8
"""With fewer patients no choice among scorers can be nested."""


def patients_of(cases: Sequence[str], pattern: str | None, table: Path | None) -> dict[str, str]:
    """The patient of each case; each case is its own where neither pattern nor table is given.

    Args:
        cases: names. pattern: a regular expression that finds the patient in a case's name: its first group,
            or all that it matches. table: a CSV with the columns case and patient.

    Raises:
        BadInput: both are given, one is not what it must be, a case has no patient, or they are too few.
    """
    if pattern and table is not None:
        raise BadInput("--patient-pattern and --patients say the same: give one")
    if table is not None:
        whose = _from_table(table)
        if missing := [case for case in cases if case not in whose]:
            raise BadInput(
                f"{table} has no patient for the case {missing[0]} ({len(missing)} such): add its row"
            )
        found = {case: whose[case] for case in cases}
    else:
        found = {case: _matched(pattern, case) if pattern else case for case in cases}
    if len(different := sorted(set(found.values()))) < FEWEST:
        raise BadInput(
            f"there are {len(different)} patients ({', '.join(different)}), fewer than {FEWEST}: a scorer "
            "cannot be chosen and tried on patients left out of so few"
        )
    return found


def _matched(pattern: str, case: str) -> str:
    try:
        match = re.search(pattern, case)
    except re.error as error:
        raise BadInput(f"--patient-pattern {pattern} is no regular expression: {error}") from None
    patient = match and (match[1] if match.re.groups else match[0])
    if not patient:
        raise BadInput(f"--patient-pattern {pattern} finds no patient in the case {case}")
    return str(patient)


def _from_table(table: Path) -> dict[str, str]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            separator = csv_delimiter(file.readline())
            file.seek(0)
            rows = list(csv.DictReader(file, delimiter=separator))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{table} cannot be read as CSV in UTF-8: {error}") from None
    whose: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        case, patient = row.get("case") or "", row.get("patient") or ""
        if not (case and patient):
            raise BadInput(f"{table} needs case and patient in every row; row {number} lacks one")
        if whose.setdefault(case, patient) != patient:
            raise BadInput(f"{table} names the case {case!r} twice, with two patients")
    return whose
