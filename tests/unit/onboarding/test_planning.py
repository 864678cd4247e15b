"""Which masks are made, and what a budget pays for."""

from pathlib import Path

import pytest

from segwatch.cohorts.damages import DAMAGES
from segwatch.cohorts.scanner_changes import SCANNER_CHANGES
from segwatch.errors import BadInput
from segwatch.onboarding.budget import costs_of, in_words, plan_within, seconds_in, tried_first
from segwatch.onboarding.nnunet_layout import ValidatedCase
from segwatch.onboarding.recipes import CHANGED, DAMAGED, MODEL, TRUTH, mandatory, rounds

CASES = [
    ValidatedCase(f"case{number}", str(number % 2), Path("ct"), Path("truth"), Path("mask"))
    for number in range(10)
]
TITLES = frozenset(case.title for case in CASES)


def test_every_case_has_its_mask_and_its_truth_before_anything_else():
    first = mandatory(CASES)
    assert [recipe.set for recipe in first] == [MODEL] * 10 + [TRUTH] * 10


def test_a_case_in_two_folds_has_one_truth():
    twice = [*CASES, ValidatedCase("case0", "7", Path("ct"), Path("truth"), Path("mask"))]
    assert sum(recipe.set == TRUTH for recipe in mandatory(twice)) == 10


def test_rounds_bring_every_change_and_every_damage_and_are_drawn_by_the_seed():
    made = list(rounds(CASES, TITLES, 6, seed=3))
    assert {change for each in made for change, _ in each.changes} == set(SCANNER_CHANGES)
    assert {damage for each in made for damage, _ in each.damages} == set(DAMAGES)
    assert len({each.name for each in made}) == len(made) == 140
    assert sum(each.set == TRUTH for each in made) == 20
    assert made == list(rounds(CASES, TITLES, 6, seed=3))
    assert made != list(rounds(CASES, TITLES, 6, seed=4))


def test_more_rounds_only_add_masks():
    assert list(rounds(CASES, TITLES, 2, seed=3)) == list(rounds(CASES, TITLES, 5, seed=3))[:50]


def test_without_networks_nothing_is_predicted_on_changed_scans():
    made = list(rounds(CASES, frozenset(), 4, seed=0))
    assert {each.set for each in made} == {DAMAGED, TRUTH}
    assert {each.set for each in rounds(CASES, TITLES, 1, seed=0)} == {DAMAGED, CHANGED, TRUTH}


def test_costs_grow_with_the_size_of_the_scan():
    voxels = {case.title: 1000 * (number + 1) for number, case in enumerate(CASES)}
    more = list(rounds(CASES, TITLES, 1, seed=0))
    tried = tried_first(more, voxels, networks=True)
    rows = [
        (
            each,
            {"opening": 1.0, "loading": 2.0, "making": voxels[each.case] / 1000 * (5 if each.changes else 1)},
        )
        for each in tried
        if not (each.changes and each.damages)
    ]
    costs = costs_of(rows, voxels)
    (large,) = (each for each in more if each.case == "case9-fold1" and each.origin == "network")
    assert costs.making(large, voxels["case9-fold1"]) == pytest.approx(50, rel=0.3)


def test_a_budget_pays_for_as_many_as_fit():
    first, more = mandatory(CASES), list(rounds(CASES, TITLES, 5, seed=0))
    plan = plan_within(first, more, lambda some: 10.0 * len(some), lambda rows: 60.0, budget=1000.0)
    assert len(plan.recipes) == 94
    assert plan.recipes[:20] == tuple(first)
    assert plan.left == len(more) - 74
    assert plan.seconds == 1000.0
    with pytest.raises(BadInput, match="do not pay"):
        plan_within(first, more, lambda some: 10.0 * len(some), lambda rows: 60.0, budget=200.0)


def test_times_are_read_and_said_as_people_do():
    assert [seconds_in(text) for text in ("2h", "90m", "1h30m", "45 min", "1.5h")] == [
        7200,
        5400,
        5400,
        2700,
        5400,
    ]
    assert [in_words(each) for each in (40, 600, 5400)] == ["40 s", "10 min", "1 h 30 min"]
    for text in ("2", "soon", "2 days", "h"):
        with pytest.raises(BadInput, match="--budget"):
            seconds_in(text)
