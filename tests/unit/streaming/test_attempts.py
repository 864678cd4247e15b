"""What follows a failure."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.errors import (
    InvalidMessage,
    LogRefused,
    LogUnavailable,
    LostPlace,
    StoreUnavailable,
    Unprocessable,
)
from segwatch.streaming.attempts import LONGEST_REASON, Bury, Retry, delays, judge, short


@pytest.mark.parametrize("error", [StoreUnavailable("x"), LogUnavailable("x"), LogRefused("x")])
@given(failures=st.integers(1, 1000), most=st.integers(1, 1000))
def test_what_somebody_must_mend_is_retried_for_ever(error: Exception, failures: int, most: int) -> None:
    assert judge(error, failures, most) == Retry(type(error).__name__, "x", counts=False)


@given(failures=st.integers(1, 1000), most=st.integers(1, 1000))
def test_what_can_never_be_processed_is_buried_at_once(failures: int, most: int) -> None:
    assert judge(Unprocessable("no", kind="k"), failures, most) == Bury("k", "no")
    assert judge(InvalidMessage("no"), failures, most) == Bury("invalid_message", "no")


@given(failures=st.integers(1, 1000), most=st.integers(1, 1000))
def test_anything_else_is_buried_after_its_attempts(failures: int, most: int) -> None:
    verdict = judge(MemoryError(), failures, most)
    assert isinstance(verdict, Retry if failures < most else Bury)


def test_the_text_of_an_unexpected_error_stays_out_of_the_reason() -> None:
    try:
        int("PATIENT^NAME")
    except ValueError as error:
        verdict = judge(error, 1, 1)
    assert isinstance(verdict, Bury)
    assert "PATIENT" not in verdict.reason
    assert verdict.reason.startswith("ValueError at ")
    assert "test_attempts.py" in verdict.reason


def test_our_own_errors_explain_themselves() -> None:
    assert judge(LostPlace("gone"), 1, 1) == Bury("unexpected_LostPlace", "gone")


def test_an_error_without_a_trace_is_named_all_the_same() -> None:
    assert judge(KeyError("x"), 1, 1) == Bury("unexpected_KeyError", "KeyError")


@given(st.floats(0.01, 10), st.floats(10, 100))
def test_delays_grow_to_a_longest_and_are_never_below_half(first: float, longest: float) -> None:
    base = first
    for delay in islice(delays(first, longest), 20):
        assert base / 2 <= delay <= base
        base = min(2 * base, longest)


@given(st.text())
def test_a_reason_is_one_line_of_bounded_length(text: str) -> None:
    assert len(short(text)) <= LONGEST_REASON
    assert "\n" not in short(text)
