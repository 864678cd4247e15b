"""`report.json`: keys, their order and the values of a small cohort, as they have been written before."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from segwatch.evaluation.cli import evaluate
from segwatch.evaluation.entries import Report
from tests.support.cohorts import made_up, written_cohort

STORED = Path(__file__).with_name("report_of_a_small_cohort.json")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("small")
    table = written_cohort(made_up(16, tests=6, gaps=1), folder / "cohort.csv")
    options = ["--models", "rr", "--features", "intensity_mode,segmentation_smoothness", "--bootstrap", "2"]
    app = typer.Typer()
    app.command()(evaluate)
    words = ["--cohort", str(table), "--out", str(folder / "report"), *options, "--workers", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return (folder / "report" / "report.json").read_text()


def test_the_keys_stand_in_their_order_and_the_values_are_what_they_were(text: str) -> None:
    found = json.loads(text)
    found.pop("versions")
    differing = list(differences(found, json.loads(STORED.read_text())))
    assert not differing


def test_a_report_that_is_read_is_the_one_that_was_written(text: str) -> None:
    assert Report.model_validate_json(text).written() == text


def differences(found: Any, stored: Any, where: str = "") -> list[str]:
    """Where two reports differ: in a key, its place, or a value beyond the tenth digit."""
    if isinstance(stored, dict) and isinstance(found, dict) and list(found) == list(stored):
        return [line for key in stored for line in differences(found[key], stored[key], f"{where}/{key}")]
    if isinstance(stored, list) and isinstance(found, list) and len(found) == len(stored):
        pairs = enumerate(zip(found, stored, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{where}/{number}")]
    if isinstance(stored, float) and isinstance(found, float):
        return [] if found == pytest.approx(stored, rel=1e-10, abs=1e-12) else [f"{where}: {found}"]
    return [] if found == stored and type(found) is type(stored) else [f"{where}: {str(found)[:80]}"]
