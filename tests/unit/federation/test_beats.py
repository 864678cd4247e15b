"""Which heartbeats came, of all time, in little memory."""

from hypothesis import given
from hypothesis import strategies as st

from segwatch.federation.beats import MOST_RANGES, Slots


@given(st.lists(st.integers(0, 60)))
def test_each_number_is_seen_once(numbers: list[int]) -> None:
    slots, seen = Slots(), set[int]()
    for number in numbers:
        assert slots.add(number) == (number not in seen)
        seen.add(number)


def test_years_are_one_range_and_a_site_that_leaves_gaps_on_purpose_costs_no_more_than_the_bound() -> None:
    honest, odd = Slots(), Slots()
    for number in range(100_000):
        honest.add(number)
    for number in range(0, 4 * MOST_RANGES, 2):
        odd.add(number)
    assert (len(honest._starts), len(odd._starts), len(odd._ends)) == (1, MOST_RANGES, MOST_RANGES)
    assert not odd.add(4 * MOST_RANGES - 2)
