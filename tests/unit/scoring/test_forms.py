"""Models as arrays: they predict what scikit-learn does, and arrays that are no model are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from segwatch.errors import RefusedModel
from segwatch.scoring.forms import Ordinal, Trees, as_arrays, from_arrays
from segwatch.scoring.skops_file import read, write
from segwatch.training.models import EVERY, fit
from segwatch.training.serving_form import serving_form

Change = Callable[[dict[str, Any]], None]


def rows(n: int = 80) -> tuple[Any, Any]:
    values = np.random.default_rng(2).normal(size=(n, 4))
    return values, 1 / (1 + np.exp(-values @ np.array([1.0, -0.5, 0.2, 0.0])))


@pytest.mark.parametrize("name", ["ordinal", "trees", "boost"])
def test_a_model_served_as_arrays_predicts_what_the_fitted_one_does(name: str) -> None:
    values, dice = rows()
    fitted = fit(EVERY[name], values, dice, directions=(1, -1, 0, 0))
    served = read(write(serving_form(fitted)))
    assert isinstance(served, Ordinal | Trees)
    new = np.concatenate([values, np.random.default_rng(3).normal(size=(200, 4)) * 3])
    np.testing.assert_allclose(served.predict(new), fitted.predict(new), atol=1e-12)


def test_the_ordinal_model_is_its_formula() -> None:
    model = Ordinal(
        mean=np.array([1.0]),
        sd=np.array([2.0]),
        weights=np.array([3.0]),
        cuts=np.array([0.5]),
        levels=np.array([0.5]),
        limit=np.array([3.0]),
    )
    reached = 1 / (1 + np.exp(-(3.0 * 0.5 - 0.5)))
    assert model.predict(np.array([[2.0]]))[0] == pytest.approx(0.25 + 0.5 * reached)
    assert model.predict(np.array([[1e9]]))[0] == pytest.approx(0.25 + 0.5 / (1 + np.exp(-8.5)))


def test_a_monotone_model_never_falls_where_its_feature_is_good_when_high() -> None:
    values, dice = rows(200)
    noisy = np.clip(dice + np.random.default_rng(4).normal(0, 0.2, len(dice)), 0, 1)
    model = serving_form(fit(EVERY["boost"], values, noisy, directions=(1, 0, 0, 0)))
    along = np.zeros((300, 4))
    along[:, 0] = np.linspace(-4, 4, 300)
    assert (np.diff(model.predict(along)) >= -1e-12).all()


def trees() -> Trees:
    values, dice = rows()
    form = serving_form(fit(EVERY["boost"], values, dice))
    assert isinstance(form, Trees)
    return form


def away(name: str) -> Change:
    return lambda arrays: arrays.pop(name)


def put(name: str, value: Any) -> Change:
    return lambda arrays: arrays.__setitem__(name, value)


def turned(name: str, place: int, value: float) -> Change:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][place] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("form", "forest"), "no form 'forest'"),
        (away("value"), "and nothing else"),
        (put("extra", np.zeros(1)), "and nothing else"),
        (turned("left", 0, 0), "leaf points at itself"),
        (turned("right", 0, 10**9), "nodes"),
        (turned("value", 0, np.nan), "not finite"),
        (turned("feature", 0, 99), "features are terms"),
        (put("roots", np.array([-1], dtype=np.int64)), "roots are nodes"),
        (put("threshold", "0"), "no list of float64"),
    ],
)
def test_arrays_that_are_no_model_are_refused_with_what_is_wrong(change: Change, says: str) -> None:
    arrays = as_arrays(trees())
    change(arrays)
    with pytest.raises(RefusedModel, match=says):
        from_arrays(arrays)


def test_a_tree_that_goes_round_in_circles_is_refused() -> None:
    arrays = as_arrays(trees())
    inner = int(np.flatnonzero(arrays["left"] != np.arange(len(arrays["left"])))[1])
    turned("left", inner, inner - 1)(arrays)
    with pytest.raises(RefusedModel, match="children after parents"):
        from_arrays(arrays)


def test_a_dict_that_is_no_model_is_refused_as_a_file() -> None:
    import skops.io

    with pytest.raises(RefusedModel, match="no form"):
        read(skops.io.dumps({"form": "something", "a": np.zeros(2)}))
