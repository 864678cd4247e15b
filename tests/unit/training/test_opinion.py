"""A second opinion is taken where its gain is sure; a study without one has the score of a scorer without."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort, read_cohort, stacked
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.quality import OPINION
from segwatch.contracts.studies import StudyMeasured
from segwatch.errors import RefusedCohort, RefusedModel, Unprocessable
from segwatch.scoring.bundle import Scorer, load
from segwatch.scoring.score import score, scored_study
from segwatch.training.feature_sets import feature_set
from segwatch.training.save import save_trained
from segwatch.training.train import Choices, Trained, train

MODEL = ModelIdentity(name="other", sha256="a" * 64)
FEATURES = ("segmentation_smoothness", "lesions_within_lungs", *OPINION)
READ = ",".join(FEATURES)
QUICK = Choices(resamples=0)


def cohort(*, noise: float, seed: int = 3, patients: int = 24) -> Cohort:
    """Five masks a patient: two weak features, and an opinion that errs by `noise`."""
    rng = np.random.default_rng(seed)
    dice = rng.uniform(0.1, 0.95, 5 * patients)
    weak = [np.clip(dice + rng.normal(0, 0.3, len(dice)), 0, 1) for _ in range(2)]
    opinion = [np.clip(dice + rng.normal(0, noise, len(dice)), 0, 1) for _ in OPINION]
    rows = range(len(dice))
    return Cohort(
        cases=np.array([f"case-{row}" for row in rows]),
        patients=np.array([f"patient-{row // 5}" for row in rows]),
        sets=np.array(["train" for _ in rows]),
        dice=dice,
        features=FEATURES,
        values=np.stack([*weak, *opinion], axis=1),
        opinion=f"{MODEL.name}@{MODEL.sha256}",
    )


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(cohort(noise=0.03), "ordinal", READ, choices=QUICK)


@pytest.fixture(scope="module")
def bundle(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scorer") / "bundle"
    save_trained(folder, trained, ())
    return folder


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return load(bundle)


def study(opinion: ModelIdentity | None = MODEL, **values: float | None) -> StudyMeasured:
    good = dict.fromkeys(FEATURES, 0.85) | values
    gaps = {name: "no_opinion: made for a test" for name, value in good.items() if value is None}
    return StudyMeasured(
        study="a" * 32,
        patient="b" * 32,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        ct_unit="hu",
        lesion_source="given",
        lung_method="given",
        model=None,
        status="measured",
        features=good,
        undefined=gaps,
        profile="paper",
        components="26",
        opinion=opinion,
    )


def test_an_opinion_that_surely_gains_is_taken_and_its_worth_is_said(
    trained: Trained,
) -> None:
    worth = trained.manifest.opinion
    assert worth.model == MODEL
    assert 0 < worth.gain.low <= worth.gain.value <= worth.gain.high
    assert trained.manifest.feature_names == FEATURES
    assert trained.without_opinion.manifest.feature_names == FEATURES[:2]
    assert trained.without_opinion.manifest.opinion is None


def test_an_opinion_that_is_noise_is_not_taken_and_the_scorer_says_so() -> None:
    made = train(cohort(noise=5.0), "ordinal", READ, choices=QUICK)
    assert made.manifest.feature_names == FEATURES[:2]
    assert (made.manifest.opinion, made.without_opinion) == (None, None)
    assert any("was tried and not taken" in limit for limit in made.manifest.limits)


def test_a_table_must_say_whose_opinion_it_holds() -> None:
    with pytest.raises(RefusedCohort, match="NAME@SHA256"):
        train(replace(cohort(noise=0.03), opinion=""), "ordinal", READ, choices=QUICK)


def test_an_opinion_alone_is_no_scorer() -> None:
    with pytest.raises(RefusedCohort, match="a second opinion alone is no scorer"):
        train(cohort(noise=0.03), "ordinal", ",".join(OPINION), choices=QUICK)


def test_a_study_with_its_opinion_is_scored_by_it(scorer: Scorer) -> None:
    doubted = scored_study(study(**dict.fromkeys(OPINION, 0.2)), scorer)
    shared = scored_study(study(), scorer)
    assert (doubted.second_opinion, shared.second_opinion) == ("read", "read")
    assert doubted.predicted_dice < 0.4 < 0.7 < shared.predicted_dice


@pytest.mark.parametrize(
    "without",
    [
        study(None, **dict.fromkeys(OPINION)),
        study(ModelIdentity(name="third", sha256="b" * 64), **dict.fromkeys(OPINION, 0.1)),
    ],
    ids=["none", "another model's"],
)
def test_a_study_without_it_has_the_score_of_the_scorer_that_needs_none(
    scorer: Scorer, without: StudyMeasured
) -> None:
    found = scored_study(without, scorer)
    alone = scored_study(without, scorer.without_opinion)
    assert (found.second_opinion, alone.second_opinion) == ("absent", None)
    assert found.predicted_dice == alone.predicted_dice
    assert found.failure_probability == alone.failure_probability
    assert found.scorer == scorer.identity


def test_measures_of_before_there_were_opinions_are_scored_too(scorer: Scorer) -> None:
    old = study(None)
    old = old.model_copy(update={"features": {name: old.features[name] for name in FEATURES[:2]}})
    assert score(old, scorer).second_opinion == "absent"


def test_an_opinion_that_finds_no_lesion_leaves_the_study_undefined(scorer: Scorer) -> None:
    nothing = study(second_opinion_dice=0.0, second_opinion_precision=0.0, second_opinion_recall=None)
    found = score(nothing, scorer)
    assert (found.status, found.needs_attention, found.second_opinion) == ("undefined", True, "read")


def test_without_a_scorer_to_fall_back_to_a_study_is_undefined(scorer: Scorer) -> None:
    alone = replace(scorer, without_opinion=None)
    found = score(study(None, **dict.fromkeys(OPINION)), alone)
    assert (found.status, found.predicted_failed) == ("undefined", True)
    assert found.reasons == ("there is no second opinion, which this scorer needs",)
    other = score(study(ModelIdentity(name="third", sha256="b" * 64)), alone)
    assert other.reasons == ("the second opinion is of third, and this scorer knows that of other",)


def test_the_scorer_inside_is_pinned(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "copy")
    manifest = tmp_path / "copy/without_opinion/manifest.json"
    manifest.write_text(manifest.read_text().replace('"name": "ordinal', '"name": "odd'))
    with pytest.raises(RefusedModel, match="is not the scorer that"):
        load(tmp_path / "copy")


def test_the_named_set_has_its_twin_without_the_opinion() -> None:
    less = feature_set("any-hand-opinion").without_opinion
    assert (less.name, less.terms) == ("any-hand", feature_set("any-hand").terms)


def test_tables_of_two_opinions_or_of_folds_and_seeds_do_not_mix(tmp_path: Path) -> None:
    one = cohort(noise=0.1)
    with pytest.raises(RefusedCohort, match="the tables differ in opinion"):
        stacked({"one": one, "two": replace(one, opinion="third@" + "b" * 64)})
    table = tmp_path / "table.csv"
    table.write_text(
        "case,patient,set,dice,fold_agreement,ensemble\na,1,train,.5,.9,folds\nb,2,train,.6,.8,seeds\n"
    )
    with pytest.raises(RefusedCohort, match="the rows differ in ensemble: folds and seeds"):
        read_cohort(table)
    table.write_text("case,patient,set,dice,fold_agreement,ensemble\na,1,train,.5,.9,seeds\nb,2,train,.6,,\n")
    assert read_cohort(table).ensemble == "seeds"


def test_a_scorer_of_seeds_agreement_does_not_score_folds() -> None:
    rows = cohort(noise=0.05)
    rows = replace(rows, features=("segmentation_smoothness", "fold_agreement", *OPINION), ensemble="seeds")
    made = train(rows, "ordinal", "segmentation_smoothness,fold_agreement", choices=QUICK)
    assert made.manifest.ensemble == "seeds"
    scorer = Scorer(made.model, made.manifest, MODEL)
    measured = study(fold_agreement=0.9)
    assert score(measured.model_copy(update={"ensemble": "seeds"}), scorer).status != "undefined"
    for other in ("folds", None):
        with pytest.raises(Unprocessable, match="the two do not compare"):
            score(measured.model_copy(update={"ensemble": other}), scorer)
