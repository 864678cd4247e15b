"""A site's failure rate from a few reviews, stratified by a flag that may be worth nothing there."""

import numpy as np
import pytest

from segwatch.statistics.poststratified import (
    Stratum,
    chosen_for_review,
    effective_number,
    poststratified,
    strata,
    weighted_share,
)


def rate_at(share: float, sensitivity: float, specificity: float, seed: int) -> tuple[float, float, bool]:
    """The error of the rate by 15 reviews of 100, that of the raw share, and whether the interval holds."""
    generator = np.random.default_rng(seed)
    failed = generator.random(100) < share
    flagged = np.where(failed, generator.random(100) < sensitivity, generator.random(100) >= specificity)
    chosen = chosen_for_review(flagged, 15, seed)
    found = poststratified(strata(flagged, chosen, failed[chosen], np.arange(15).astype(str)))
    assert found is not None
    truth = float(failed.mean())
    return abs(found.value - truth), abs(float(flagged.mean()) - truth), found.low <= share <= found.high


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.9, 0.24), (0.9, 0.76), (0.6, 0.6)])
def test_fifteen_reviews_of_a_hundred_give_the_rate_within_nine_points_whatever_the_flag_is_worth(
    sensitivity: float, specificity: float
) -> None:
    tried = [
        rate_at(share, sensitivity, specificity, seed)
        for share in (0.05, 0.1, 0.2, 0.35, 0.5)
        for seed in range(100)
    ]
    error, raw, holds = np.mean(tried, axis=0)
    assert error < 0.09
    assert error < raw
    assert holds >= 0.95


def test_a_rate_by_hand() -> None:
    found = poststratified((Stratum(40, 8, 4, 8.0), Stratum(60, 6, 0, 6.0)))
    assert found is not None
    assert found.value == pytest.approx(0.4 * 0.5)
    assert (found.found, found.n) == (4, 14)
    # 4 of 8 is .157 to .843, 0 of 6 is 0 to .459 (Clopper and Pearson).
    assert found.low == pytest.approx(0.2 - 0.4 * (0.5 - 0.157), abs=1e-3)
    assert found.high == pytest.approx(0.2 + np.hypot(0.4 * (0.843 - 0.5), 0.6 * 0.459), abs=1e-3)


def test_a_side_of_the_flag_without_review_leaves_the_rate_unknown() -> None:
    assert poststratified((Stratum(40, 8, 4, 8.0), Stratum(60, 0, 0, 0.0))) is None
    found = poststratified((Stratum(0, 0, 0, 0.0), Stratum(60, 6, 3, 6.0)))
    assert found is not None
    assert found.value == 0.5


def test_studies_of_one_patient_are_no_more_evidence_than_that_patient() -> None:
    hits, weights = np.array([True, True, True, False]), np.ones(4)
    alone = weighted_share(hits, weights, np.array(list("abcd")))
    together = weighted_share(hits, weights, np.array(list("aaab")))
    assert alone is not None
    assert together is not None
    assert alone.value == together.value == 0.75
    assert together.low < alone.low
    assert together.high > alone.high
    assert effective_number(weights, np.array(list("aabb"))) == 2
    assert weighted_share(hits[:0], weights[:0], np.array([], dtype=np.str_)) is None


def test_reviews_are_drawn_from_both_sides_by_their_size_and_never_twice() -> None:
    flagged = np.arange(100) < 70
    chosen = chosen_for_review(flagged, 20, 1)
    assert len(set(chosen.tolist())) == 20
    assert flagged[chosen].sum() == 14
    few = chosen_for_review(np.arange(100) < 4, 15, 1)
    assert (few < 4).sum() == 3
    assert sorted(chosen_for_review(flagged[:5], 15, 1).tolist()) == [0, 1, 2, 3, 4]
    assert chosen_for_review(flagged, 20, 1).tolist() == chosen.tolist()
    assert chosen_for_review(flagged, 20, 2).tolist() != chosen.tolist()
