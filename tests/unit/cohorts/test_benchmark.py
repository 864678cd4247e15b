"""The benchmark's split of its Covid task: who has its data gets its sets, and is told what is missing."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from segwatch.cohorts.benchmark import DOMAINS, FOLDS, read_split
from segwatch.cohorts.cli import register
from segwatch.errors import RefusedCohort

TESTED = {
    "challenge_volume-covid19-A-0329": "ID",
    "coronacases_007": "radiopaedia",
    "radiopaedia_10_85902_1": "radiopaedia",
    "radiopaedia_10_85902_3": "radiopaedia",
    "mosmed_study_0256": "mosmed",
}
LEARNT = ("challenge_volume-covid19-A-0003", "challenge_volume-covid19-A-0047_1")


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """As the benchmark prepares it, the split beside the images; one training case has a prediction."""
    root = tmp_path / "Dataset520_CovidLungCT"
    for half, names in (("Ts", TESTED), ("Tr", LEARNT)):
        for name in names:
            for path in (
                root / f"images{half}" / f"{name}_0000.nii.gz",
                root / f"labels{half}" / f"{name}.nii.gz",
            ):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"image")
    said = root / "predictions"
    said.mkdir()
    for name in (*TESTED, LEARNT[0]):
        (said / f"{name}.nii.gz").write_bytes(b"mask")
    (root / DOMAINS).write_text(json.dumps(TESTED))
    (root / FOLDS).write_text(json.dumps([{"train": [LEARNT[0]], "val": [LEARNT[1]]}]))
    return root


def imported(
    app: typer.Typer, layout: str, source: Path, out: Path, *more: str
) -> tuple[str, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(
        app, ["cohort", "import", layout, "--source", str(source), "--out", str(out), *more]
    )
    if done.exception is not None:
        raise done.exception
    with (out / "cohort.csv").open(newline="") as file:
        return done.output, {row["case"]: row for row in csv.DictReader(file)}


def test_each_test_case_is_in_the_set_of_its_domain_and_predicted_training_cases_are_learnt_from(
    app: typer.Typer, raw: Path, tmp_path: Path
) -> None:
    said, rows = imported(app, "covid-benchmark", raw, tmp_path / "out")
    assert {case: row["set"] for case, row in rows.items()} == {**TESTED, LEARNT[0]: "train"}
    for words in ("ID 1 of 1", "mosmed 1 of 1", "radiopaedia 3 of 3", "1 of 2 to learn from"):
        assert words in said.replace("\n", " ")
    assert "not there" not in said


def test_two_scans_of_one_radiopaedia_case_are_one_patients(
    app: typer.Typer, raw: Path, tmp_path: Path
) -> None:
    _, rows = imported(app, "covid-benchmark", raw, tmp_path / "out")
    assert rows["radiopaedia_10_85902_1"]["patient"] == rows["radiopaedia_10_85902_3"]["patient"]
    assert len({row["patient"] for row in rows.values()}) == len(rows) - 1


def test_a_part_of_the_test_cases_is_said_to_be_a_part(app: typer.Typer, raw: Path, tmp_path: Path) -> None:
    (raw / "imagesTs" / "mosmed_study_0256_0000.nii.gz").unlink()
    said, rows = imported(app, "covid-benchmark", raw, tmp_path / "out")
    assert "mosmed_study_0256" not in rows
    assert "mosmed 0 of 1" in said
    assert "1 test cases are not there" in said


def test_the_data_sets_own_names_are_known_in_their_own_layouts(
    app: typer.Typer, raw: Path, tmp_path: Path
) -> None:
    own = tmp_path / "challenge"
    own.mkdir()
    for name in ("volume-covid19-A-0329", "volume-covid19-A-0003", "volume-covid19-A-9999"):
        for path in (own / f"{name}_ct.nii.gz", own / f"{name}_seg.nii.gz", own / f"{name}.nii.gz"):
            path.write_bytes(b"image")
    _, rows = imported(
        app, "challenge", own, tmp_path / "out", "--predictions", str(own), "--split", str(raw)
    )
    assert {case: row["set"] for case, row in rows.items()} == {
        "volume-covid19-A-0329": "ID",
        "volume-covid19-A-0003": "train",
    }


def test_a_test_case_without_prediction_is_refused(app: typer.Typer, raw: Path, tmp_path: Path) -> None:
    (raw / "predictions" / "coronacases_007.nii.gz").unlink()
    with pytest.raises(RefusedCohort, match=r"coronacases_007 .* has no prediction"):
        imported(app, "covid-benchmark", raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (DOMAINS, "[1, 2]", "its domain"),
        (DOMAINS, "{}", "its domain"),
        (DOMAINS, "{", "no JSON"),
        (DOMAINS, json.dumps({LEARNT[0]: "ID"}), "learnt from"),
        (DOMAINS, json.dumps({"a": "train"}), "scorers learn from"),
        (FOLDS, '{"train": []}', "list of folds"),
    ],
)
def test_what_is_no_split_is_refused_by_its_name(raw: Path, name: str, text: str, words: str) -> None:
    (raw / name).write_text(text)
    with pytest.raises(RefusedCohort, match=words) as refused:
        read_split(raw)
    assert name in str(refused.value)


def test_a_split_of_other_data_is_refused(app: typer.Typer, raw: Path, tmp_path: Path) -> None:
    (raw / DOMAINS).write_text(json.dumps({"somebody_else": "ID"}))
    with pytest.raises(RefusedCohort, match="none of the split's 1 test cases"):
        imported(app, "covid-benchmark", raw, tmp_path / "out")
