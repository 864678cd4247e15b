"""`segwatch train --site`: an interval for a site of which measures are known, and no Dice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from segwatch.cohorts.table import Cohort, read_measures
from segwatch.errors import RefusedCohort
from segwatch.scoring.bundle import load
from segwatch.scoring.cli import in_a_line
from segwatch.training.cli import register
from segwatch.training.feature_sets import feature_set
from segwatch.training.site_interval import read_site
from segwatch.training.train import Choices, train
from tests.support.cohorts import written_cohort

MakeCohort = Callable[..., Cohort]
QUICK = Choices(resamples=0)


@pytest.fixture
def cohort(make_cohort: MakeCohort) -> Cohort:
    """Errors are large where Dice is low."""
    made = make_cohort(patients=120, tests=0)
    noise = np.random.default_rng(1).normal(size=len(made))
    made.dice[:] = np.clip(made.dice + 0.25 * noise * (1 - made.dice), 0, 1)
    return made


def site(make_cohort: MakeCohort, *, good: bool) -> Cohort:
    rows = make_cohort(patients=100, tests=0, seed=21)
    return rows.rows(rows.dice > 0.6 if good else rows.dice < 0.5)


def without_dice(cohort: Cohort, path: Path) -> Path:
    """The table as `segwatch measure --cohort` writes it where there is no truth."""
    lines = [line.split(",") for line in written_cohort(cohort, path).read_text().splitlines()]
    path.write_text("\n".join(",".join(cells[:3] + cells[4:]) for cells in lines) + "\n")
    return path


def test_a_site_of_good_masks_gets_a_narrower_interval_than_one_of_bad_masks(
    cohort: Cohort, make_cohort: MakeCohort
) -> None:
    good, bad = (
        train(cohort, "rr", "paper4", choices=QUICK, site=site(make_cohort, good=good)).manifest.interval
        for good in (True, False)
    )
    assert good.high - good.low < bad.high - bad.low
    assert good.site is not None
    assert 20 <= good.site.effective < len(cohort)
    assert good.patients_worst is None


def test_the_sites_dice_is_not_read(make_cohort: MakeCohort, tmp_path: Path) -> None:
    rows = site(make_cohort, good=True)
    table, told = without_dice(rows, tmp_path / "site.csv"), written_cohort(rows, tmp_path / "told.csv")
    one, other = read_measures(table), read_measures(told)
    assert np.isnan(one.dice).all()
    assert np.isnan(other.dice).all()
    assert one.sha256() == other.sha256()


def test_the_command_says_in_manifest_card_and_list_what_the_weights_came_from(
    cohort: Cohort, make_cohort: MakeCohort, tmp_path: Path
) -> None:
    app = typer.Typer()
    register(app)
    rows = site(make_cohort, good=True)
    table = without_dice(rows, tmp_path / "site.csv")
    words = ["train", "--cohort", str(written_cohort(cohort, tmp_path / "cohort.csv")), "--model", "rr"]
    words += ["--site", str(table), "--out", str(tmp_path / "made")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    scorer = load(tmp_path / "made")
    described = scorer.manifest.interval.site
    assert described is not None
    assert described.studies == len(rows)
    assert described.sha256 == read_measures(table).sha256()
    card = " ".join((tmp_path / "made" / "MODEL_CARD.md").read_text().split())
    assert (
        f"weighted to a site, by the measures of {len(rows)} of its studies (sha256 `{described.sha256}`"
        in card
    )
    assert f"interval weighted to {len(rows)} studies of a site" in in_a_line(scorer)


def test_a_site_unlike_every_training_row_is_refused_with_the_rows_that_are_left(
    cohort: Cohort, make_cohort: MakeCohort
) -> None:
    far = site(make_cohort, good=True)
    far.values[:] += 10 * cohort.values.std(axis=0)
    with pytest.raises(RefusedCohort, match=r"of 240 training rows the weights leave \d+\.\d effective"):
        train(cohort, "rr", "paper4", choices=QUICK, site=far)


def test_a_site_with_few_studies_or_without_a_feature_is_refused(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    few = without_dice(make_cohort(patients=4, tests=0), tmp_path / "few.csv")
    with pytest.raises(RefusedCohort, match=r"8 studies of .*few\.csv have all features"):
        read_site(few, feature_set("paper4"))
    with pytest.raises(RefusedCohort, match="lacks the columns lesion_volume_ml"):
        read_site(few, feature_set("lesion_volume_ml"))
