"""Terms: what a model reads, made from measures by closed formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segwatch.scoring.terms import Term, columns, needed

FEATURES = ("a", "b", "c")


def value(term: Term, *row: float) -> float:
    return float(columns([term], FEATURES, np.array([row]))[0, 0])


@pytest.mark.parametrize(
    ("formula", "of", "expected"),
    [
        ("value", ("b",), 0.25),
        ("log", ("a",), math.log(8)),
        ("log_ratio", ("a", "c"), math.log(4)),
        ("logit", ("b",), math.log(1 / 3)),
        ("rate_of_loss", ("b", "c"), -math.log(0.25) / 2),
    ],
)
def test_each_formula_is_what_it_says(formula: str, of: tuple[str, ...], expected: float) -> None:
    assert value(Term(name="t", formula=formula, of=of), 8.0, 0.25, 2.0) == pytest.approx(expected)


@given(
    st.sampled_from([("log", 1), ("log_ratio", 2), ("logit", 1), ("rate_of_loss", 2)]),
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3),
)
def test_a_term_of_finite_measures_is_finite(formula: tuple[str, int], row: list[float]) -> None:
    term = Term(name="t", formula=formula[0], of=FEATURES[: formula[1]])
    assert math.isfinite(value(term, *row))


def test_a_gap_in_a_feature_is_a_gap_in_its_term_alone() -> None:
    terms = [Term(name="t", formula="log", of=("a",)), Term(name="u", formula="log", of=("b",))]
    made = columns(terms, FEATURES, np.array([[np.nan, 0.5, 1.0]]))[0]
    assert np.isnan(made).tolist() == [True, False]
    assert needed(terms) == ("a", "b")


def test_a_formula_with_too_few_features_is_refused() -> None:
    with pytest.raises(ValidationError, match="log_ratio takes 2 features"):
        Term(name="t", formula="log_ratio", of=("a",))
