"""Adapting to a site: offset and scale from a few reviewed studies, offered only where they gain."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from segwatch.cli import main
from segwatch.cohorts.table import Cohort
from segwatch.errors import NoGain, RefusedCohort
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.scoring.reviewed import NOT_SHOWN
from segwatch.training.adapt import CONSTANT, adapt, gains_of, try_all
from segwatch.training.judge import as_served
from segwatch.training.site_report import site_card
from segwatch.training.train import Choices, train

MakeCohort = Callable[..., Cohort]


@pytest.fixture
def fleet(make_cohort: MakeCohort, tmp_path: Path) -> Scorer:
    trained = train(make_cohort(patients=60), "ordinal", "paper4", choices=Choices(resamples=0))
    save(tmp_path / "fleet", trained.skops, trained.manifest, "# fleet\n")
    return load(tmp_path / "fleet")


def site(make_cohort: MakeCohort, offset: float, studies: int = 20, seed: int = 11) -> Cohort:
    """Studies of another place, whose true Dice is offset from what their measures say."""
    cohort = make_cohort(patients=studies // 2, tests=0, seed=seed)
    dice = np.clip(cohort.dice * 0.6 + 0.2 + offset, 0, 1)
    return Cohort(cohort.cases, cohort.patients, cohort.sets, dice, cohort.features, cohort.values)


def error(scorer: Scorer, manifest: object, rows: Cohort) -> float:
    made = as_served(scorer.model, manifest, rows)  # type: ignore[arg-type]
    return float(np.abs(made.predicted - rows.dice).mean())


def test_an_offset_site_is_met_and_new_studies_there_are_predicted_better(
    fleet: Scorer, make_cohort: MakeCohort
) -> None:
    adapted = adapt(fleet, site(make_cohort, 0.25))
    new = site(make_cohort, 0.25, studies=60, seed=12)
    assert error(fleet, adapted.manifest, new) < error(fleet, fleet.manifest, new) / 1.5
    assert adapted.manifest.adaptation is not None
    assert adapted.manifest.adaptation.gain_low > 0
    assert adapted.manifest.adaptation.fleet_sha256 == fleet.identity.sha256


def test_nothing_is_offered_where_the_fleet_is_right(fleet: Scorer, make_cohort: MakeCohort) -> None:
    same = make_cohort(patients=8, tests=0, seed=13)
    with pytest.raises(NoGain, match=r"kept as it is.*\n.*none: mean absolute error"):
        adapt(fleet, same)


def test_a_scale_is_taken_only_where_it_gains_on_the_offset() -> None:
    generator = np.random.default_rng(1)
    predicted = generator.uniform(0.1, 0.9, 30)
    patients = np.array([f"p{row}" for row in range(30)])
    moved = {t.name: t for t in try_all(predicted, predicted + 0.1, patients, 0)}
    assert moved["offset"].mae == pytest.approx(0, abs=1e-9)
    assert moved["offset and scale"].gain == pytest.approx(moved["offset"].gain)
    squeezed = {t.name: t for t in try_all(predicted, 0.4 * predicted + 0.5, patients, 0)}
    assert squeezed["offset and scale"].low > squeezed["offset"].gain


def test_what_does_not_beat_the_reviews_mean_is_said_to_show_no_ranking(
    fleet: Scorer, make_cohort: MakeCohort
) -> None:
    rows = site(make_cohort, 0.25, studies=24)
    # All are about as good: an offset gains, and what is left is noise that no measure follows.
    dice = np.clip(0.9 + np.random.default_rng(4).normal(0, 0.03, len(rows)), 0, 1)
    adapted = adapt(fleet, replace(rows, dice=dice))
    assert [each.name for each in adapted.tried][-1] == CONSTANT
    adaptation = adapted.manifest.adaptation
    assert adaptation is not None
    assert not adaptation.ranking_shown
    assert adaptation.mae_constant < 0.05
    for text in (
        gains_of(adapted.tried),
        " ".join(adapted.manifest.limits),
        site_card(adapted.manifest, ""),
    ):
        assert NOT_SHOWN in " ".join(text.split())
    again = adapt(Scorer(fleet.model, adapted.manifest, fleet.identity), rows).manifest
    assert not any(NOT_SHOWN in limit for limit in again.limits)


def test_what_beats_the_reviews_mean_says_by_how_much(fleet: Scorer, make_cohort: MakeCohort) -> None:
    adapted = adapt(fleet, site(make_cohort, 0.25, studies=30))
    adaptation = adapted.manifest.adaptation
    assert adaptation is not None
    assert adaptation.ranking_shown
    assert f"surely beaten, by {adaptation.gain_on_constant_low:.3f}" in site_card(adapted.manifest, "")
    assert NOT_SHOWN not in gains_of(adapted.tried)
    assert adapted.tried[-1].mae == pytest.approx(adaptation.mae_constant)


def test_adapting_an_adapted_scorer_starts_from_the_fleets(fleet: Scorer, make_cohort: MakeCohort) -> None:
    reviews = site(make_cohort, 0.25)
    first = adapt(fleet, reviews).manifest
    again = adapt(Scorer(fleet.model, first, fleet.identity), reviews).manifest
    assert again.adaptation is not None
    assert first.adaptation is not None
    assert again.adaptation.offset == first.adaptation.offset


def test_too_few_reviews_are_refused(fleet: Scorer, make_cohort: MakeCohort) -> None:
    with pytest.raises(RefusedCohort, match="4 reviewed studies of 2 patients"):
        adapt(fleet, site(make_cohort, 0.2, studies=4))


def test_the_command_writes_a_bundle_that_loads_and_tells_what_changed(
    fleet: Scorer,
    make_cohort: MakeCohort,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reviews = site(make_cohort, 0.25)
    table = {"case": reviews.cases, "patient": reviews.patients, "set": reviews.sets, "dice": reviews.dice}
    columns = dict(zip(reviews.features, reviews.values.T, strict=True))
    pyarrow.csv.write_csv(pa.table({**table, **columns}), tmp_path / "reviews.csv")
    folders = ("--bundle", str(tmp_path / "fleet"), "--out", str(tmp_path / "site"))
    words = ["segwatch", "calibrate", *folders, "--reviews", str(tmp_path / "reviews.csv")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    scorer = load(tmp_path / "site")
    assert scorer.manifest.adaptation is not None
    assert scorer.identity.sha256 != fleet.identity.sha256
    assert "taken: offset" in capsys.readouterr().out
    assert "adapted to a site by 20 reviewed" in (tmp_path / "site" / "MODEL_CARD.md").read_text()
