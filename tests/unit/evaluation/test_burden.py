"""The error of the lesion's share of the lung in the report: against a constant, by interval."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.evaluation.burden import FITTED
from segwatch.evaluation.entries import BurdenSetEntry
from segwatch.evaluation.evaluate import Evaluated, EvaluateOptions, evaluate
from segwatch.evaluation.report.burden_section import burden_in_words, burden_section
from segwatch.scoring.bundle import load, save
from segwatch.scoring.second_target import MASK_SHARE
from segwatch.training.train import Choices, train
from tests.support.cohorts import made_up

FEATURES = ("segmentation_smoothness", "connected_components", MASK_SHARE)


def with_shares() -> Cohort:
    """A cohort in which a mask of low Dice misses lesion, and one of high Dice has too much."""
    cohort = made_up(40, tests=16)
    share = np.random.default_rng(1).uniform(0.1, 0.6, len(cohort))
    truth = share + 0.2 * (0.5 - cohort.dice)
    values = np.column_stack([cohort.values, share])
    return replace(cohort, features=(*cohort.features, MASK_SHARE), values=values, truth_share=truth)


def evaluated(cohort: Cohort, folder: Path, **other: object) -> Evaluated:
    asked = EvaluateOptions("chosen", FEATURES, ("rr",), {}, 0, False, (), 0, 1, folder / "parts")
    return evaluate(cohort, replace(asked, **other), lambda _: None)  # type: ignore[arg-type]


def entry_of(found: Evaluated, name: str, of_set: str) -> BurdenSetEntry:
    entry = found.report.burden[name].sets[of_set]
    assert entry is not None
    return entry


def test_what_measures_tell_beats_the_constant_on_new_patients(tmp_path: Path) -> None:
    cohort = with_shares()
    found = evaluated(cohort, tmp_path)
    entry = entry_of(found, FITTED, "test")
    train_rows, test = cohort.of_set("train"), cohort.of_set("test")
    errors = [100 * (rows.truth_share - rows.values[:, -1]) for rows in (train_rows, test)]
    assert entry.mae_constant == pytest.approx(np.abs(errors[1] - np.median(errors[0])).mean())
    assert entry.gain == pytest.approx(entry.mae_constant - entry.mae)
    assert 0 < entry.gain_ci[0] < entry.gain < entry.gain_ci[1]
    assert entry.covered is not None
    assert entry.covered > 0.6
    assert entry_of(found, FITTED, "train").resubstitution
    assert "test" in burden_in_words(found.report)[0]
    assert "gain" in "".join(burden_section(found.report))


def test_a_bundle_is_judged_by_the_model_and_interval_that_it_brings(tmp_path: Path) -> None:
    cohort = with_shares()
    made = train(cohort, "rr", ",".join(FEATURES), choices=Choices(resamples=0))
    save(tmp_path / "bundle", made.skops, made.manifest, "card", made.burden)
    scorer = load(tmp_path / "bundle")
    found = evaluated(cohort, tmp_path, models=(), bundles={"ours": scorer})
    assert set(found.report.burden) == {"ours"}
    assert entry_of(found, "ours", "train").resubstitution
    fitted = evaluated(cohort, tmp_path)
    assert entry_of(found, "ours", "test").mae == pytest.approx(entry_of(fitted, FITTED, "test").mae)


def test_without_the_truths_shares_the_target_is_not_measurable(tmp_path: Path) -> None:
    found = evaluated(replace(with_shares(), truth_share=None), tmp_path)
    assert "truth_share_of_lung" in (found.report.burden[FITTED].not_measurable or "")
    assert "not measurable" in "".join(burden_section(found.report))


def test_without_the_masks_share_the_target_is_not_measurable(tmp_path: Path) -> None:
    cohort = with_shares().select(FEATURES[:2])
    found = evaluated(cohort, tmp_path, features=FEATURES[:2])
    assert MASK_SHARE in (found.report.burden[FITTED].not_measurable or "")


def test_studies_without_truth_are_not_counted(tmp_path: Path) -> None:
    cohort = with_shares()
    assert cohort.truth_share is not None
    cohort.truth_share[-10:] = np.nan
    entry = entry_of(evaluated(cohort, tmp_path), FITTED, "test")
    assert entry.n == len(cohort.of_set("test")) - 10
