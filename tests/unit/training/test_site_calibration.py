"""A fleet's scorer at a site where some studies were reviewed: its threshold there, and the site's rate."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwatch.cli import main
from segwatch.cohorts.reviews import Review
from segwatch.cohorts.table import Cohort, read_measures
from segwatch.contracts.topics import SCORED
from segwatch.errors import BadInput, RefusedCohort
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.scoring.cli import in_a_line
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.training.scored_table import scores_of
from segwatch.training.site_calibration import SiteStudies, calibrate_to_site
from segwatch.training.site_report import site_card, site_lines
from segwatch.training.site_threshold import Criterion, flags_left_out, threshold_here
from segwatch.training.train import Choices, train
from tests.support.cohorts import made_up, written_cohort
from tests.support.service_settings import use_environment
from tests.support.site_world import record_of, scored

DAY = "2026-11-28"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    trained = train(made_up(patients=60), "ordinal", "paper4", choices=Choices(resamples=0))
    folder = tmp_path_factory.mktemp("fleet")
    save(folder, trained.skops, trained.manifest, "# fleet\n")
    return folder


@pytest.fixture(scope="module")
def fleet(folder: Path) -> Scorer:
    return load(folder)


def site(*, offset: float = 0.0, patients: int = 50, seed: int = 21) -> Cohort:
    cohort = made_up(patients=patients, tests=0, seed=seed)
    return replace(cohort, dice=np.clip(cohort.dice + offset, 0, 1))


def reviewed(cohort: Cohort, numbers: list[int], *, words: bool = True) -> SiteStudies:
    reviews = [
        Review(
            row, str(cohort.cases[number]), bool(cohort.dice[number] < 0.6), None if words else float(dice)
        )
        for row, number in enumerate(numbers, start=2)
        for dice in [cohort.dice[number]]
    ]
    return SiteStudies(cohort, reviews, np.array(numbers, dtype=np.int64))


def test_categories_choose_the_threshold_and_leave_the_dice_alone(fleet: Scorer) -> None:
    cohort = site()
    found = calibrate_to_site(fleet, reviewed(cohort, list(range(0, 40, 2))), day=DAY)
    manifest = found.manifest
    assert found.correction is None
    assert "word is none" in found.no_correction
    assert manifest.adaptation is None
    assert manifest.site is not None
    assert manifest.site.threshold_is_from_here
    assert manifest.threshold.failure_probability != fleet.manifest.threshold.failure_probability
    assert manifest.site.fleet_threshold == fleet.manifest.threshold
    assert manifest.site.sensitivity is not None
    assert manifest.site.sensitivity.low < manifest.site.sensitivity.value <= manifest.site.sensitivity.high
    assert manifest.site.with_dice == 0
    assert manifest.name == "ordinal-paper4-site"


def test_the_rate_is_right_where_the_scorer_is_not(fleet: Scorer) -> None:
    # Every mask here is far better than its measures say: most are flagged, few have failed.
    cohort = site(offset=0.45, patients=50)
    truth = float((cohort.dice < 0.6).mean())
    found = calibrate_to_site(fleet, reviewed(cohort, list(range(0, 100, 5))), day=DAY).manifest.site
    assert found is not None
    assert found.failure_rate is not None
    raw = found.flagged.studies / 100
    assert abs(found.failure_rate.value - truth) < 0.12 < abs(raw - truth)
    assert found.failure_rate.low <= truth <= found.failure_rate.high
    assert found.flagged.studies + found.passed.studies == 100


def test_a_new_threshold_finds_what_it_should_among_new_studies_of_the_site(fleet: Scorer) -> None:
    cohort, new = site(offset=-0.25), site(offset=-0.25, seed=22)
    manifest = calibrate_to_site(fleet, reviewed(cohort, list(range(30))), day=DAY).manifest
    here = replace(fleet, manifest=manifest)
    failed = new.dice < 0.6
    flagged = {
        name: np.array([score.predicted_failed for score in scores_of(scorer, new)])
        for name, scorer in (("fleet", fleet), ("site", here))
    }
    assert flagged["site"][failed].mean() >= 0.8
    assert flagged["site"][failed].mean() > flagged["fleet"][failed].mean()


def test_reviews_with_dice_correct_the_dice_as_well(fleet: Scorer) -> None:
    found = calibrate_to_site(fleet, reviewed(site(offset=0.25), list(range(20)), words=False), day=DAY)
    assert found.correction is not None
    assert found.manifest.adaptation is not None
    assert found.manifest.site is not None
    assert found.manifest.site.with_dice == 20


def test_where_no_correction_gains_there_is_a_threshold_and_a_rate_all_the_same(fleet: Scorer) -> None:
    found = calibrate_to_site(fleet, reviewed(site(), list(range(16)), words=False), day=DAY)
    assert found.correction is None
    assert "no correction gains surely" in found.no_correction
    assert found.manifest.site is not None
    assert found.manifest.site.failure_rate is not None


def test_reviews_of_one_outcome_leave_the_fleets_threshold_and_say_what_is_unknown(fleet: Scorer) -> None:
    cohort = site()
    good = np.flatnonzero(cohort.dice >= 0.6)[:12].tolist()
    manifest = calibrate_to_site(fleet, reviewed(cohort, good), day=DAY).manifest
    assert manifest.threshold == fleet.manifest.threshold
    assert manifest.site is not None
    assert manifest.site.sensitivity is None
    assert not manifest.site.threshold_is_from_here
    text = "\n".join(site_lines(manifest))
    assert "Sensitivity here: unknown" in text
    assert "the reviews choose none" in text


def test_a_side_of_the_flag_without_review_leaves_the_rate_unknown(fleet: Scorer) -> None:
    cohort = site()
    passed = [n for n, score in enumerate(scores_of(fleet, cohort)) if not score.needs_attention][:12]
    manifest = calibrate_to_site(fleet, reviewed(cohort, passed), day=DAY).manifest
    assert manifest.site is not None
    assert manifest.site.failure_rate is None
    assert "Failure rate here: unknown" in "\n".join(site_lines(manifest))


def test_an_undefined_study_is_flagged_whatever_the_threshold_and_its_review_counts(fleet: Scorer) -> None:
    cohort = site()
    cohort.values[0, 2] = np.nan
    manifest = calibrate_to_site(fleet, reviewed(cohort, list(range(20))), day=DAY).manifest
    assert manifest.site is not None
    assert manifest.site.studies == 20


def test_calibrated_again_it_starts_from_the_fleets(fleet: Scorer) -> None:
    here = reviewed(site(), list(range(20)))
    once = calibrate_to_site(fleet, here, day=DAY).manifest
    again = calibrate_to_site(replace(fleet, manifest=once), here, day=DAY).manifest
    assert again.threshold == once.threshold
    assert again.site is not None
    assert again.site.fleet_threshold == fleet.manifest.threshold
    dice = reviewed(site(offset=0.25), list(range(20)), words=False)
    moved = calibrate_to_site(fleet, dice, day=DAY).manifest
    with pytest.raises(BadInput, match="calibrate the fleet's bundle"):
        calibrate_to_site(replace(fleet, manifest=moved), here, day=DAY)


def test_too_few_reviews_are_refused(fleet: Scorer) -> None:
    with pytest.raises(RefusedCohort, match="4 reviewed studies of 2 patients"):
        calibrate_to_site(fleet, reviewed(site(), [0, 1, 2, 3]), day=DAY)


def test_what_the_site_changed_was_not_tried_on_good_masks_and_says_so(fleet: Scorer) -> None:
    manifest = calibrate_to_site(fleet, reviewed(site(), list(range(20))), day=DAY).manifest
    assert manifest.good_masks is None
    assert "not tried anew" in manifest.unfit_for_paging[0]
    line = in_a_line(replace(fleet, manifest=manifest))
    assert "whether it is fit for paging is unknown" in line
    assert "adapted to a site by 20 reviewed studies" in line
    assert "whether it is fit is unknown" in site_card(manifest, "")


def test_a_threshold_lies_midway_to_the_next_lower_review() -> None:
    failure = np.array([0.9, 0.7, 0.5, 0.3, 0.1, np.nan])
    failed = np.array([True, True, False, True, False, True])
    ones = np.ones(6)
    assert threshold_here(failure, failed, ones, Criterion(1.0)) == pytest.approx(0.2)
    assert threshold_here(failure, failed, ones, Criterion(0.6)) == pytest.approx(0.6)
    # A miss that costs little is borne: with a tenth of a false alarm nothing but sure failures is flagged.
    assert threshold_here(failure, failed, ones, Criterion(None, 0.1)) == pytest.approx(0.6)
    assert threshold_here(failure, failed, ones, Criterion(None, 10)) == pytest.approx(0.2)
    assert threshold_here(failure, np.ones(6, dtype=bool), ones, Criterion(0.9)) is None


def test_no_study_is_flagged_by_a_threshold_that_it_helped_to_choose() -> None:
    failure, failed = np.array([0.2, 0.6, 0.1, 0.05]), np.array([True, True, False, False])
    flags = flags_left_out(failure, failed, np.ones(4), np.array(list("abcd")), Criterion(1.0), 0.5)
    # Without a, the threshold is .35, which misses it; with it, it would be .15.
    assert flags.tolist() == [False, True, False, False]


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["segwatch", *map(str, words)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_from_choosing_studies_to_a_bundle_that_loads(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = site()
    measures = written_cohort(cohort, tmp_path / "measures.csv")
    chosen = tmp_path / "reviews"
    options = ("--scorer", folder, "--studies", measures, "--out", chosen)
    assert run(monkeypatch, "review", "sample", *options) == 0
    assert run(monkeypatch, "review", "sample", *options) == 2
    assert "may hold reviews" in capsys.readouterr().err
    head, *lines = (chosen / "sheet.csv").read_text().splitlines()
    assert head == '"case","review","remark"'
    assert len(lines) == 15
    dice = dict(zip(cohort.cases.tolist(), cohort.dice.tolist(), strict=True))
    words = [
        f"{case};{'FAILED' if dice[case] < 0.6 else 'Good'}"
        for case in (line.split('"')[1] for line in lines)
    ]
    (chosen / "sheet.csv").write_text("\ufeffCase;Review\n" + "\n".join(words))
    given = ("--bundle", folder, "--reviews", chosen / "sheet.csv", "--out", tmp_path / "site")
    assert run(monkeypatch, "calibrate", *given, "--studies", chosen / "studies.csv") == 0
    out = capsys.readouterr().out
    assert "Reviewed: 15 of 100 studies" in out
    assert "Failure rate here: 0." in out
    assert "Flagged share here, raw" in out
    assert load(tmp_path / "site").manifest.site is not None
    assert run(monkeypatch, "calibrate", *given) == 2
    assert "give the studies' measures with --studies" in capsys.readouterr().err


def test_studies_are_chosen_from_what_the_hospital_scored_last(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = site(patients=20)
    studies = [
        scored(number, number // 2, features=dict(zip(cohort.features, values, strict=True)))
        for number, values in enumerate(cohort.values.tolist())
    ]
    use_environment(monkeypatch, {"SEGWATCH_LOG": "embedded", "SEGWATCH_LOG_FILE": str(tmp_path / "log.db")})
    words = ("review", "sample", "--scorer", folder, "--last", 30, "--number", 10, "--out")
    with EmbeddedLog(tmp_path / "log.db") as log, log.producer() as producer:
        log.create_topics({SCORED: 1})
        assert run(monkeypatch, *words, tmp_path / "none") == 2
        assert "holds no study yet" in capsys.readouterr().err
        producer.send([record_of(study) for study in [*studies, studies[12]]])
    assert run(monkeypatch, *words, tmp_path / "reviews") == 0
    rows = read_measures(tmp_path / "reviews" / "studies.csv")
    assert rows.cases.tolist() == [study.study for study in [*studies[10:12], *studies[13:], studies[12]]]
    assert len(set(rows.patients.tolist())) == 15
    assert len((tmp_path / "reviews" / "sheet.csv").read_text().splitlines()) == 11
