"""The figures, against what they are by definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from segwatch.scoring.bins import bin_of, failed
from segwatch.statistics.figures import (
    accuracy,
    auroc,
    bin_specificity_micro,
    constants,
    counts,
    figures,
    mae,
)
from segwatch.statistics.resampling import patient_intervals
from segwatch.statistics.verdicts import Judged

studies = st.lists(st.tuples(st.floats(0, 1), st.one_of(st.none(), st.floats(0, 1))), min_size=1, max_size=40)


def judged(pairs: list[tuple[float, float | None]]) -> Judged:
    """True and predicted Dice; a prediction of None is an undefined study."""
    dice = np.array([true for true, _ in pairs])
    predicted = np.array([np.nan if made is None else made for _, made in pairs])
    known = np.nan_to_num(predicted, nan=0.0)
    score = np.where(np.isnan(predicted), np.inf, -predicted)
    return Judged(dice, bin_of(known), predicted, failed(known), score, predicted)


@given(studies)
def test_the_papers_specificity_is_three_quarters_plus_a_quarter_of_the_accuracy(
    pairs: list[tuple[float, float | None]],
) -> None:
    made = judged(pairs)
    right = accuracy(made)
    assert right is not None
    assert bin_specificity_micro(made) == pytest.approx(0.75 + right / 4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1))
def test_a_scorer_that_looks_at_nothing_never_falls_below_the_floor(dice: list[float], mean: float) -> None:
    for made in constants(np.array(dice), np.array([mean])).values():
        specificity = bin_specificity_micro(made)
        assert specificity is not None
        assert specificity >= 0.75
        assert auroc(made) in (None, 0.5)


@given(studies)
def test_undefined_studies_are_counted_as_failed_and_left_out_of_the_error(
    pairs: list[tuple[float, float | None]],
) -> None:
    made, number = judged(pairs), counts(judged(pairs))
    errors = [abs(true - said) for true, said in pairs if said is not None]
    assert number["n_undefined"] == len(pairs) - len(errors)
    assert made.flagged[np.isnan(made.predicted)].all()
    assert mae(made) == (pytest.approx(np.mean(errors)) if errors else None)


@given(studies.filter(lambda pairs: 0 < sum(true < 0.6 for true, _ in pairs) < len(pairs)))
def test_the_auroc_is_scikit_learns(pairs: list[tuple[float, float | None]]) -> None:
    made = judged(pairs)
    finite = np.where(np.isinf(made.score), 2.0, made.score)
    assert auroc(made) == pytest.approx(roc_auc_score(failed(made.dice), finite))


def test_the_figures_of_a_set_counted_by_hand() -> None:
    made = judged([(0.1, 0.3), (0.5, 0.7), (0.55, None), (0.7, 0.65), (0.9, 0.5)])
    assert counts(made) == {"n": 5, "failed": 3, "found": 2, "n_undefined": 1}
    figure = figures(made)
    assert figure["sensitivity"] == pytest.approx(2 / 3)
    assert figure["binary_specificity"] == pytest.approx(1 / 2)
    assert figure["ppv"] == pytest.approx(2 / 3)
    assert figure["accuracy"] == pytest.approx(1 / 5)
    assert figure["mae"] == pytest.approx((0.2 + 0.2 + 0.05 + 0.4) / 4)


def test_a_set_without_a_failed_case_has_no_sensitivity_and_no_auroc() -> None:
    figure = figures(judged([(0.9, 0.8), (0.7, 0.9)]))
    assert (figure["sensitivity"], figure["auroc"], figure["ppv"]) == (None, None, None)
    assert figure["binary_specificity"] == 1.0


def test_the_interval_holds_the_figure_and_is_the_same_for_the_same_seed() -> None:
    generator = np.random.default_rng(1)
    dice = generator.uniform(size=60)
    made = judged(list(zip(dice, np.clip(dice + generator.normal(0, 0.2, 60), 0, 1), strict=True)))
    patients = np.array([str(row // 3) for row in range(60)])
    interval = patient_intervals(made, patients, resamples=200, seed=4)
    assert interval == patient_intervals(made, patients, resamples=200, seed=4)
    for name, value in figures(made).items():
        bounds = interval[name]
        assert bounds is not None
        assert value is not None
        assert bounds[0] < value < bounds[1], name


def test_studies_of_one_patient_are_no_independent_evidence() -> None:
    dice = np.tile([0.2, 0.9, 0.5, 0.8], 10)
    made = judged([(true, 0.3 if row < 20 else 0.9) for row, true in enumerate(dice)])
    alone = patient_intervals(made, np.arange(40).astype(str), resamples=300)["accuracy"]
    together = patient_intervals(made, (np.arange(40) // 20).astype(str), resamples=300)["accuracy"]
    assert alone is not None
    assert together is not None
    assert alone != together


def test_one_patient_gives_an_interval_without_width() -> None:
    made = judged([(0.9, 0.8), (0.3, 0.9)])
    value = figures(made)["mae"]
    assert patient_intervals(made, np.array(["p", "p"]), resamples=50)["mae"] == (value, value)
