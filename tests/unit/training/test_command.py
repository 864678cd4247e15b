"""`segwatch train` from the command line's side."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import typer
from typer.testing import CliRunner

from segwatch.errors import RefusedCohort
from segwatch.scoring.bundle import load
from segwatch.training.cli import register


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(2)
    dice = generator.uniform(0.05, 0.95, 40)
    columns = {
        "case": [f"case-{row}" for row in range(40)],
        "patient": [f"patient-{row}" for row in range(40)],
        "set": ["train"] * 30 + ["test"] * 10,
        "dice": dice,
        "connected_components": generator.integers(1, 30, 40),
        "intensity_mode": generator.normal(-600, 50, 40),
        "segmentation_smoothness": np.clip(dice + generator.normal(0, 0.1, 40), 0, 1),
        "lesions_within_lungs": generator.uniform(0.8, 1.0, 40),
    }
    pyarrow.csv.write_csv(pa.table(columns), tmp_path / "cohort.csv")
    return tmp_path / "cohort.csv"


def test_a_trained_bundle_can_be_served_and_its_figures_stand_beside_the_constants(
    app: typer.Typer, table: Path, tmp_path: Path
) -> None:
    options = ["train", "--cohort", str(table), "--model", "rr", "--out", str(tmp_path / "made")]
    done = CliRunner().invoke(app, [*options, "--limit", "Made up."], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    scorer = load(tmp_path / "made")
    assert scorer.identity.sha256 in done.output.replace("\n", "")
    assert scorer.manifest.limits[-1] == "Made up."
    for word in ("Table 2", "constant mean", "all flagged", "out of fold", "resubstitution"):
        assert word in done.output
    assert "Made up." in (tmp_path / "made" / "MODEL_CARD.md").read_text()


def test_a_cohort_that_is_refused_writes_no_bundle(app: typer.Typer, table: Path, tmp_path: Path) -> None:
    table.write_text(table.read_text().replace('case-3"', 'case-4"'))
    done = CliRunner().invoke(app, ["train", "--cohort", str(table), "--out", str(tmp_path / "made")])
    assert isinstance(done.exception, RefusedCohort)
    assert not (tmp_path / "made").exists()


def test_two_tables_of_one_name_are_refused_since_their_cases_would_be_one(
    app: typer.Typer, table: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / table.name
    other.parent.mkdir()
    other.write_text(table.read_text())
    words = ["train", "--cohort", str(table), "--also", str(other), "--out", str(tmp_path / "made")]
    assert isinstance(CliRunner().invoke(app, words).exception, RefusedCohort)
