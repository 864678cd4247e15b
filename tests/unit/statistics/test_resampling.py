"""Weighted figures are the plain figures of the rows that were drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.scoring.bins import bin_of, failed
from segwatch.statistics.binomial import largest_rejected, largest_rejected_on_grid, p_value
from segwatch.statistics.figures import auroc, figures
from segwatch.statistics.resampling import figures_of_resamples
from segwatch.statistics.verdicts import Judged

row = st.tuples(
    st.floats(0, 1), st.one_of(st.none(), st.sampled_from([0.0, 0.3, 0.55, 0.6, 0.9])), st.integers(0, 3)
)


@given(st.lists(row, min_size=1, max_size=30).filter(lambda rows: any(times for _, _, times in rows)))
def test_a_weight_is_a_row_that_is_there_so_often(rows: list[tuple[float, float | None, int]]) -> None:
    dice = np.array([true for true, _, _ in rows])
    predicted = np.array([np.nan if said is None else said for _, said, _ in rows])
    known = np.nan_to_num(predicted, nan=0.0)
    score = np.where(np.isnan(predicted), np.inf, -predicted)
    judged = Judged(dice, bin_of(known), predicted, failed(known), score, predicted)
    times = np.array([times for _, _, times in rows])
    weights = np.stack([times, np.ones_like(times)]).astype(float)
    found = figures_of_resamples(judged, weights)
    for number, drawn in enumerate((np.repeat(np.arange(len(rows)), times), np.arange(len(rows)))):
        expected = figures(judged.rows(drawn))
        for name, value in expected.items():
            wanted = np.nan if value is None else value
            assert found[name][number] == pytest.approx(wanted, nan_ok=True, abs=1e-12), name
        assert found["mae_authors_code"][number] == pytest.approx(found["mae"][number], nan_ok=True)


@pytest.mark.parametrize("shared", [True, False])
def test_resamples_with_predictions_of_their_own_and_shared_ones_agree(shared: bool) -> None:
    generator = np.random.default_rng(0)
    dice, predicted = generator.uniform(size=(2, 40))
    judged = Judged(dice, bin_of(predicted), predicted, failed(predicted), -np.round(predicted, 1), predicted)
    made = judged
    if not shared:
        verdicts = {name: part for name, part in vars(judged).items() if name != "dice"}
        made = Judged(dice, **{name: np.tile(part, (6, 1)) for name, part in verdicts.items()})
    weights = generator.integers(0, 3, (6, 40)).astype(float)
    found = figures_of_resamples(made, weights)
    expected = auroc(judged.rows(np.repeat(np.arange(40), weights[3].astype(int))))
    assert found["auroc"][3] == pytest.approx(expected)


def test_five_of_eight_reject_a_sensitivity_of_289_exactly_and_of_28_on_the_papers_grid() -> None:
    exact = largest_rejected(5, 8)
    assert exact is not None
    assert exact == pytest.approx(0.289, abs=5e-4)
    assert p_value(5, 8, exact) == pytest.approx(0.05)
    assert largest_rejected_on_grid(5, 8) == 0.28
    assert (p_value(5, 8, 0.28) or 1) <= 0.05 < (p_value(5, 8, 0.29) or 0)


@given(st.integers(1, 60), st.data())
def test_the_grids_bound_is_the_exact_one_rounded_down(n: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, n))
    exact, grid = largest_rejected(found, n), largest_rejected_on_grid(found, n)
    assert exact is not None
    assert grid is not None
    assert grid <= exact + 1e-9
    assert exact < grid + 0.01 + 1e-9


def test_without_a_failed_case_there_is_no_test() -> None:
    assert (largest_rejected(0, 0), largest_rejected_on_grid(0, 0), p_value(0, 0, 0.5)) == (None, None, None)
