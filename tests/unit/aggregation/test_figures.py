"""Sensitivities, budgets and fixed values: what the noise is promised, on neighbouring inputs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.aggregation.mechanism.figures import BlockName, coarse, even_share, figures
from segwatch.aggregation.mechanism.slots import Due, Kind, Slot, cell_of
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.ledger import CountedStudy
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Portrait, Pulse
from segwatch.contracts.studies import StudyScored
from tests.support.site_world import scored

NAME = BlockName("hospital-a", 1, 0)
NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
POLICY = SitePolicy(version="test", means_of=tuple(BOUNDS), studies_per_patient=2)
SIZES: dict[Kind, int] = {"pulse": 20, "portrait": 100}

contents = st.builds(
    lambda dice, outside, attention, features: {
        "status": "outside" if outside else "undefined" if dice is None else "scored",
        "predicted_dice": dice,
        "needs_attention": attention or outside or dice is None,
        "features": features,
    },
    st.none() | st.floats(0, 1),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.sampled_from([*BOUNDS, "other"]), st.none() | st.floats(-1e9, 1e9)),
)


class Recorder:
    """Noise that adds nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int], int, float]] = []

    def __call__(self, name: str, values: Sequence[int], *, sensitivity: int, epsilon: float) -> list[int]:
        self.asked.append((name, list(values), sensitivity, epsilon))
        return list(values)


def _slot(study: StudyScored, ordinal: int = 1) -> Slot:
    return Slot(CountedStudy(study=study.study, patient=study.patient, ordinal=ordinal), study)


def _block(kind: Kind, special: Slot, policy: SitePolicy = POLICY) -> tuple[Pulse | Portrait, Recorder]:
    slots = (special, *(_slot(scored(number)) for number in range(1, SIZES[kind])))
    noise = Recorder()
    return figures(NAME, Due(kind, slots), policy, noise, NOW), noise


@pytest.mark.parametrize("kind", ["pulse", "portrait"])
@settings(deadline=None)
@given(one=contents, other=contents)
def test_one_slots_contents_move_no_figure_by_more_than_its_sensitivity(
    kind: Kind, one: dict[str, Any], other: dict[str, Any]
) -> None:
    _, first = _block(kind, _slot(scored(0, **one)))
    _, second = _block(kind, _slot(scored(0, **other)))
    for (name, before, sensitivity, epsilon), (name_too, after, *rest) in zip(
        first.asked, second.asked, strict=True
    ):
        assert (name, sensitivity, epsilon) == (name_too, *rest)
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= sensitivity


@pytest.mark.parametrize("kind", ["pulse", "portrait"])
@settings(deadline=None)
@given(one=contents, other=contents)
def test_a_study_beyond_its_patients_limit_changes_nothing_that_leaves(
    kind: Kind, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, _ = _block(kind, _slot(scored(0, **one), ordinal=3))
    second, _ = _block(kind, _slot(scored(0, **other), ordinal=3))
    assert first == second


def test_a_studys_lifetime_costs_what_the_policy_says_and_no_more() -> None:
    spent = [asked[3] for kind in SIZES for asked in _block(kind, _slot(scored(0)))[1].asked]
    assert sum(spent) == pytest.approx(3.0)
    assert _block("portrait", _slot(scored(0)))[0].epsilon == 2.0


def test_means_split_their_budget_evenly_and_every_name_is_its_own() -> None:
    _, noise = _block("portrait", _slot(scored(0)))
    assert [asked[3] for asked in noise.asked] == [1.0, *[0.25] * 4]
    assert len({asked[0] for asked in noise.asked}) == 5


@settings(deadline=None)
@given(epsilon=st.floats(0.001, 1.0), parts=st.integers(1, 5))
def test_the_means_shares_together_never_exceed_their_budget(epsilon: float, parts: int) -> None:
    spent = parts * Fraction(even_share(epsilon, parts))
    assert spent <= Fraction(epsilon)
    assert float(spent) == pytest.approx(epsilon)


def test_a_null_feature_takes_the_middle_of_the_public_bounds() -> None:
    policy = POLICY.model_copy(update={"means_of": ("segmentation_smoothness",)})
    slots = tuple(_slot(scored(number, features={})) for number in range(100))
    portrait = figures(NAME, Due("portrait", slots), policy, Recorder(), NOW)
    assert isinstance(portrait, Portrait)
    assert portrait.means[0].mean == 0.5


def test_a_value_beyond_the_bounds_is_clipped() -> None:
    policy = POLICY.model_copy(update={"means_of": ("intensity_mode",)})
    slots = tuple(_slot(scored(number, features={"intensity_mode": 9e9})) for number in range(100))
    portrait = figures(NAME, Due("portrait", slots), policy, Recorder(), NOW)
    assert isinstance(portrait, Portrait)
    assert portrait.means[0].mean == portrait.means[0].high == 400.0


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({"predicted_dice": 0.0}, 0),
        ({"predicted_dice": 0.2}, 1),
        ({"predicted_dice": 0.6}, 3),
        ({"predicted_dice": 0.5999}, 2),
        ({"predicted_dice": 1.0}, 4),
        ({"predicted_dice": None, "status": "undefined"}, 5),
        ({"predicted_dice": 0.9, "status": "outside"}, 6),
    ],
)
def test_bins_are_left_closed_and_undefined_and_outside_have_their_cells(
    changes: dict[str, Any], cell: int
) -> None:
    assert cell_of(scored(0, **changes)) == cell


def test_model_and_scorer_are_named_only_where_the_policy_allows() -> None:
    silent, _ = _block("pulse", _slot(scored(0)))
    assert (silent.model, silent.scorer) == (None, None)
    other = ModelIdentity(name="other", sha256="cd" + "0" * 62)
    speaking = POLICY.model_copy(update={"name_model": True, "name_scorer": True})
    named, _ = _block("pulse", _slot(scored(0, model=other, scorer=other)), speaking)
    assert named.model is not None
    assert named.model.name == "demo"  # what most of the block has


@pytest.mark.parametrize(
    ("dates", "day"),
    [("day", date(2026, 11, 25)), ("week", date(2026, 11, 23)), ("month", date(2026, 11, 1))],
)
def test_dates_are_as_coarse_as_the_policy_says(dates: Any, day: date) -> None:
    assert coarse(NOW, POLICY.model_copy(update={"dates": dates})) == day


def test_the_date_is_the_last_slots_event_time() -> None:
    pulse, _ = _block("pulse", _slot(scored(0)))
    assert pulse.closed == date(2026, 11, 23)


WRONG_CLOCKS = [
    (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), date(2026, 11, 23)),
    (NOW + timedelta(days=3), date(2026, 11, 23)),
    (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))), date(2026, 11, 23)),
    (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), date(1999, 12, 27)),
    (datetime(1970, 1, 1, tzinfo=UTC), date(1999, 12, 27)),
]


@pytest.mark.parametrize(("received_at", "closed"), WRONG_CLOCKS)
def test_a_wrong_clocks_date_is_brought_to_what_can_be(received_at: datetime, closed: date) -> None:
    slots = tuple(_slot(scored(number, received_at=received_at)) for number in range(20))
    assert figures(NAME, Due("pulse", slots), POLICY, Recorder(), NOW).closed == closed
