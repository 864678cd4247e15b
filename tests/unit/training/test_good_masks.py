"""A scorer that takes what is smooth for what is good is found: by truths as masks, and by good masks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.scoring.training_results import GoodMasks
from segwatch.training.good_masks import tried_on_good_masks
from segwatch.training.report import model_card, paging_words
from segwatch.training.train import Choices, train

MakeCohort = Callable[..., Cohort]


def tried(cohort: Cohort, predicted: list[float]) -> GoodMasks:
    return tried_on_good_masks(cohort, np.array(predicted), np.array(predicted) <= 0.5)


def rows(make_cohort: MakeCohort, dice: list[float], patients: list[str]) -> Cohort:
    cohort = make_cohort(patients=12)
    few = cohort.rows(np.arange(len(cohort)) < len(dice))
    return replace(few, dice=np.array(dice), patients=np.array(patients))


def test_a_truth_that_is_ranked_below_its_patients_predictions_makes_a_scorer_unfit(make_cohort: MakeCohort):
    cohort = rows(make_cohort, [1.0, 0.8, 0.7, 0.3], ["a"] * 4)

    found = tried(cohort, [0.46, 0.8, 0.7, 0.3])

    assert (found.truths, found.truth_dice, found.truths_flagged, found.truths_outranked) == (
        1,
        0.46,
        1.0,
        1.0,
    )
    assert len(found.unfit) == 3


def test_a_scorer_that_ranks_the_truth_first_and_lets_it_pass_is_not_called_unfit(make_cohort: MakeCohort):
    cohort = rows(make_cohort, [1.0, 0.8, 0.7, 0.3], ["a", "a", "b", "b"])

    found = tried(cohort, [0.9, 0.8, 0.7, 0.3])

    assert found.truths_outranked == 0.0
    assert found.unfit == ()


def test_good_masks_are_counted_by_patient_so_that_one_with_many_does_not_hide_another(
    make_cohort: MakeCohort,
):
    dice = [0.9] * 9 + [0.8, 0.2]
    cohort = rows(make_cohort, dice, ["many"] * 9 + ["few"] * 2)

    found = tried(cohort, [0.9] * 9 + [0.1, 0.1])

    assert (found.patients, found.specificity, found.worst_patient) == (2, 0.5, 1.0)


def test_without_truths_it_is_not_shown_and_that_is_never_fit(make_cohort: MakeCohort):
    cohort = rows(make_cohort, [0.8, 0.3], ["a", "b"])

    found = tried(cohort, [0.8, 0.3])

    assert found.truth_dice is None
    assert "not shown" in found.unfit[0]


def test_train_says_it_and_the_card_bears_it(make_cohort: MakeCohort):
    trained = train(make_cohort(), "ordinal", "paper4", choices=Choices(resamples=0))

    assert trained.manifest.good_masks is not None
    assert trained.manifest.unfit_for_paging
    assert paging_words(trained.manifest) in model_card(trained.manifest, [])


@pytest.mark.parametrize(("model", "worse"), [("ordinal", -1), ("boost", -1)])
def test_a_monotone_model_never_turns_a_direction_round(make_cohort: MakeCohort, model: str, worse: int):
    cohort = make_cohort()
    turned = replace(
        cohort, values=cohort.values * np.array([-1.0, 1.0, 1.0, 1.0])
    )  # more parts, better Dice
    trained = train(turned, model, "paper4", choices=Choices(resamples=0))
    few, many = trained.rows.values[:5].copy(), trained.rows.values[:5].copy()
    many[:, 0] += 5

    assert (worse * (trained.model.predict(many) - trained.model.predict(few)) >= -1e-12).all()
