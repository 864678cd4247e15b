"""Outside where the scorer errs: the error that it must expect of itself on patients left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.features.measuring import Measures
from segwatch.features.profiles import FeatureOptions
from segwatch.features.registry import PAPER4
from segwatch.scoring.bundle import load, save
from segwatch.scoring.score import Score, score
from segwatch.training.doubt import predicted_for_strangers
from segwatch.training.judge import intervals_as_served
from segwatch.training.models import EVERY, patient_folds
from segwatch.training.train import Choices, Trained, train

QUICK = Choices(resamples=0, second_target=False)


def misleading(*, told: bool, patients: int = 60, seed: int = 5) -> Cohort:
    """Masks of low smoothness are misjudged, since little says their Dice; or all are alike."""
    draw = np.random.default_rng(seed)
    n = 4 * patients
    dice = draw.uniform(0.1, 0.9, n)
    hard = draw.random(n) < 0.25
    noise = np.where(hard, 0.35, 0.03) if told else np.full(n, 0.12)
    within = np.clip(dice + draw.normal(0, 1, n) * noise, 0, 1)
    columns = (draw.uniform(1, 30, n), draw.uniform(-700, -300, n), np.where(hard, 0.3, 0.7), within)
    smooth = columns[2] + draw.normal(0, 0.05, n)
    values = np.column_stack([columns[0], columns[1], smooth, within])
    names = np.array([f"patient-{row // 4}" for row in range(n)])
    makers = np.array([("net", "hand")[row % 2] for row in range(n)])
    cases = np.array([f"case-{row}" for row in range(n)])
    return Cohort(cases, names, np.full(n, "train"), dice, PAPER4, values, segmenters=makers)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(misleading(told=True), "rr", "paper4", choices=QUICK)


def test_outside_fires_more_often_where_the_scorer_errs_on_new_patients(trained: Trained) -> None:
    new = misleading(told=True, seed=6)
    said = trained.model.predict(new.values).clip(0, 1)
    outside = intervals_as_served(trained.manifest, new, said).outside
    wrong = np.abs(said - new.dice) > 0.2
    assert outside[wrong].mean() > 3 * outside[~wrong].mean()
    assert 0.03 < outside.mean() < 0.3


def test_a_scorer_whose_errors_nothing_foretells_has_no_doubt() -> None:
    made = train(misleading(told=False), "rr", "paper4", choices=QUICK)
    assert made.manifest.outside.doubt is None


def test_a_doubtful_study_is_outside_and_says_why(trained: Trained, tmp_path: Path) -> None:
    hard = {"segmentation_smoothness": 0.2, "lesions_within_lungs": 0.9}
    doubtful, sure = scored(trained, tmp_path, **hard), scored(trained, tmp_path)
    assert doubtful.status == "outside"
    assert doubtful.needs_attention
    assert doubtful.interval == (0.0, 1.0)
    assert any("must expect an error" in reason for reason in doubtful.reasons)
    assert sure.status == "scored"


def test_errors_are_those_of_models_that_saw_neither_patient_nor_segmenter() -> None:
    rows = misleading(told=True, patients=20)
    assert rows.segmenters is not None
    biased = replace(rows, dice=np.where(rows.segmenters == "net", rows.dice, np.clip(rows.dice - 0.3, 0, 1)))
    folds = patient_folds(biased, 0, 5)
    strange = predicted_for_strangers(EVERY["rr"], biased, folds, 0, ())[:, 0]
    alone = predicted_for_strangers(EVERY["rr"], replace(biased, segmenters=None), folds, 0, ())[:, 0]
    errors = [float(np.abs(each - biased.dice).mean()) for each in (strange, alone)]
    assert errors[0] > errors[1] + 0.05, "the other segmenter's offset must be unknown to them"


def test_a_bundle_without_doubt_is_read_as_before(trained: Trained, tmp_path: Path) -> None:
    region = trained.manifest.outside.model_copy(update={"doubt": None})
    found = scored(trained, tmp_path, region=region, segmentation_smoothness=0.2)
    assert not any("must expect" in reason for reason in found.reasons)


def scored(made: Trained, folder: Path, region: object = None, **values: float) -> Score:
    manifest = made.manifest if region is None else made.manifest.model_copy(update={"outside": region})
    save(folder, made.skops, manifest, "card")
    features = {**{each.name: each.mean for each in manifest.features}, **values}
    return score(Measures("measured", features, {}, FeatureOptions(), "hu"), load(folder))
