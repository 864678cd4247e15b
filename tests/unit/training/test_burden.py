"""The second target: the error of the lesion's share of the lung, learnt where truths' shares are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedModel
from segwatch.features.measuring import Measures
from segwatch.features.profiles import FeatureOptions
from segwatch.scoring.bundle import load, save
from segwatch.scoring.burden import error_bounds, possible
from segwatch.scoring.interval import Interval
from segwatch.scoring.score import Score, score
from segwatch.scoring.second_target import MASK_SHARE, Burden
from segwatch.training.train import Choices, Trained, train
from tests.support.cohorts import made_up

FEATURES = f"connected_components,segmentation_smoothness,{MASK_SHARE}"
QUICK = Choices(resamples=0)


def with_shares(*, told: bool, patients: int = 40) -> Cohort:
    """A cohort with the truths' shares, which the smoothness tells or nothing does."""
    cohort = made_up(patients, tests=4)
    draw = np.random.default_rng(1)
    share = draw.uniform(0.05, 0.6, len(cohort))
    cause = cohort.dice if told else draw.uniform(0, 1, len(cohort))
    truth = np.clip(share + 0.3 * (0.5 - cause) * share / 0.3, 0, 1)
    values = np.column_stack([cohort.values, share])
    return replace(cohort, features=(*cohort.features, MASK_SHARE), values=values, truth_share=truth)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(with_shares(told=True), "rr", FEATURES, choices=QUICK)


def scored(made: Trained, folder: Path, **values: float | None) -> Score:
    save(folder, made.skops, made.manifest, "card", made.burden)
    mean = {each.name: each.mean for each in made.manifest.features}
    features = {**mean, **values}
    undefined = {name: "no_lung" for name, value in features.items() if value is None}
    status = "partly_undefined" if undefined else "measured"
    return score(Measures(status, features, undefined, FeatureOptions(), "hu"), load(folder))


def test_a_target_that_surely_beats_the_constant_is_in_the_bundle(trained: Trained) -> None:
    part = trained.manifest.burden
    assert part is not None
    assert part.mae < part.mae_constant
    assert 0 < part.gain_low < part.gain
    assert 0.7 <= part.covered <= 0.95


def test_a_target_that_nothing_tells_is_not_in_the_bundle() -> None:
    made = train(with_shares(told=False), "rr", FEATURES, choices=QUICK)
    assert made.second is not None
    assert made.second.gain.low <= 0
    assert made.manifest.burden is None
    assert made.burden is None


def test_without_truths_or_the_masks_share_there_is_no_second_target() -> None:
    cohort = with_shares(told=True)
    assert train(replace(cohort, truth_share=None), "rr", FEATURES, choices=QUICK).second is None
    assert train(cohort, "rr", "paper4", choices=QUICK).second is None


def test_the_dice_does_not_depend_on_the_second_target(trained: Trained) -> None:
    alone = train(replace(with_shares(told=True), truth_share=None), "rr", FEATURES, choices=QUICK)
    assert alone.skops == trained.skops
    assert alone.manifest.threshold == trained.manifest.threshold


def test_a_score_says_how_far_the_masks_share_is_from_the_truths(trained: Trained, tmp_path: Path) -> None:
    rows = trained.rows
    bad, good = (
        scored(trained, tmp_path, **dict(zip(rows.features, rows.values[row].tolist(), strict=True)))
        for row in (rows.dice.argmin(), rows.dice.argmax())
    )
    assert bad.lung_share_error is not None
    assert good.lung_share_error is not None
    assert bad.lung_share_error > 0 > good.lung_share_error, "a low Dice was made to miss lesion"
    for found in (bad, good):
        assert found.lung_share_error_interval is not None
        low, high = found.lung_share_error_interval
        assert low <= found.lung_share_error <= high


def test_an_undefined_study_has_no_predicted_error(trained: Trained, tmp_path: Path) -> None:
    found = scored(trained, tmp_path, segmentation_smoothness=None)
    assert (found.lung_share_error, found.lung_share_error_interval) == (None, None)


def test_a_study_outside_has_every_error_that_is_possible(trained: Trained, tmp_path: Path) -> None:
    found = scored(trained, tmp_path, connected_components=1e5, **{MASK_SHARE: 0.3})
    assert found.status == "outside"
    assert found.lung_share_error_interval == pytest.approx((-30.0, 70.0))


def test_no_truth_has_less_than_no_lesion_nor_more_than_the_lung() -> None:
    assert possible(np.array([-20.0, 95.0]), np.array([0.1, 0.1])).tolist() == pytest.approx([-10.0, 90.0])
    interval = Interval(coverage=0.8, low=-5.0, high=5.0)
    part = Burden(
        model_sha256="0" * 64,
        floor=0.01,
        weight=1.0,
        interval=interval,
        constant=0.0,
        mae=1.0,
        mae_constant=2.0,
        gain=1.0,
        gain_low=0.5,
        covered=0.8,
    )
    assert error_bounds(part, 1.0, 0.01, outside=False) == pytest.approx((-1.0, 6.0))


def test_a_bundle_without_the_target_is_read_as_before(trained: Trained, tmp_path: Path) -> None:
    save(tmp_path, trained.skops, trained.manifest, "card")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["burden"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert load(tmp_path).burden is None


def test_a_second_model_that_was_changed_is_refused(trained: Trained, tmp_path: Path) -> None:
    save(tmp_path, trained.skops, trained.manifest, "card", trained.burden)
    with (tmp_path / "burden.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(RefusedModel, match=r"burden\.skops is not the file"):
        load(tmp_path)
    (tmp_path / "burden.skops").unlink()
    with pytest.raises(RefusedModel, match=r"burden\.skops"):
        load(tmp_path)


def test_a_bundle_that_is_written_over_leaves_no_second_model_of_the_old(
    trained: Trained, tmp_path: Path
) -> None:
    save(tmp_path, trained.skops, trained.manifest, "card", trained.burden)
    save(tmp_path, trained.skops, trained.manifest, "card")
    assert not (tmp_path / "burden.skops").exists()
    assert load(tmp_path).manifest.burden is None
