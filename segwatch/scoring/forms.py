"""Fitted models as plain arrays, evaluated in numpy: an ordinal regression, and a sum of trees.

They are what a bundle holds where its model is none of the paper's. Both predict Dice (n,) from what the
model reads (n, t), in well under a millisecond for the few rows of one study.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segwatch.arrays import Floats
from segwatch.errors import RefusedModel

Numbers = NDArray[np.int64]
DEEPEST = 64
"""No tree of a scorer is deeper."""


@dataclass(frozen=True, eq=False)
class Ordinal:
    """Cumulative logits over fine cuts of Dice: P(Dice >= cut k) = sigmoid(weights · z - levels k).

    z is the standardised term, kept within `limit` standard deviations. The predicted Dice is the mean of
    that distribution, each step taken at its middle. Source: McCullagh (1980), regression models for ordinal
    data.

    Attributes:
        mean, sd, weights: (t,).
        cuts, levels: (k,), both ascending; cuts within 0 to 1.
        limit: (1,).
    """

    mean: Floats
    sd: Floats
    weights: Floats
    cuts: Floats
    levels: Floats
    limit: Floats
    FORM: ClassVar[str] = "ordinal"

    def __post_init__(self) -> None:
        _check(self.mean.shape == self.sd.shape == self.weights.shape, "one mean, sd and weight a term")
        _check(self.cuts.shape == self.levels.shape and len(self.cuts) > 0, "one level a cut")
        _check(_ascends(self.cuts) and self.cuts[0] > 0 and self.cuts[-1] < 1, "cuts ascend within 0 to 1")
        _check(bool((np.diff(self.levels) >= 0).all()), "levels ascend")
        _check(bool((self.sd > 0).all()) and self.limit.shape == (1,), "sd and limit are above 0")

    def above(self, values: Floats) -> Floats:
        """The probability (n, k) of a Dice of each cut or more."""
        standing = np.clip((values - self.mean) / self.sd, -self.limit, self.limit)
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * ((standing @ self.weights)[:, None] - self.levels)))

    def predict(self, values: Floats) -> Floats:
        """Expected Dice (n,)."""
        middles = np.diff(self._middles())
        return np.asarray(self._middles()[0] + self.above(values) @ middles, dtype=np.float64)

    def _middles(self) -> Floats:
        """The middle (k + 1,) of each step between the cuts, 0 and 1."""
        edges = np.concatenate([[0.0], self.cuts, [1.0]])
        return np.asarray((edges[:-1] + edges[1:]) / 2, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Trees:
    """A sum of regression trees, all their nodes in one list.

    A row goes to `left` where its term `feature` is at most `threshold`, else to `right`. A leaf points at
    itself. The trees' share in the sum is already in `value`.

    Attributes:
        feature, left, right: (m,) whole numbers; a child stands after its parent.
        threshold, value: (m,).
        roots: (trees,).
        base: (1,), what is added to the sum.
        width: (1,), how many terms the trees read.
        single: (1,), 1 where the terms are compared in single precision, as scikit-learn's forests do.
    """

    feature: Numbers
    threshold: Floats
    left: Numbers
    right: Numbers
    value: Floats
    roots: Numbers
    base: Floats
    width: Numbers
    single: Numbers
    FORM: ClassVar[str] = "trees"

    def __post_init__(self) -> None:
        count = len(self.feature)
        same = {part.shape for part in (self.feature, self.threshold, self.left, self.right, self.value)}
        _check(same == {(count,)} and count > 0, "each node has all of its parts")
        _check(all(part.shape == (1,) for part in (self.base, self.width, self.single)), "single numbers")
        _check(self.roots.ndim == 1 and _within(self.roots, count), "roots are nodes")
        _check(_within(self.feature, int(self.width[0])), "features are terms")
        places = np.arange(count)
        leaf = self.left == places
        _check(bool((leaf == (self.right == places)).all()), "a leaf points at itself twice")
        _check(bool(((self.left > places) & (self.right > places) | leaf).all()), "children after parents")
        _check(_within(self.left, count) and _within(self.right, count), "children are nodes")

    def predict(self, values: Floats) -> Floats:
        """The sum of the leaves (n,) that each row falls into."""
        if values.shape[1] != self.width[0]:
            raise RefusedModel(f"the trees read {self.width[0]} terms, not {values.shape[1]}")
        read = values.astype(np.float32).astype(np.float64) if self.single[0] else values
        rows = np.arange(len(read))[:, None]
        node = np.broadcast_to(self.roots, (len(read), len(self.roots)))
        for _ in range(DEEPEST):
            right = read[rows, self.feature[node]] > self.threshold[node]
            below = np.where(right, self.right[node], self.left[node])
            if np.array_equal(below, node):
                break
            node = below
        return np.asarray(self.base[0] + self.value[node].sum(axis=1), dtype=np.float64)


Form = Ordinal | Trees
_FORMS: Mapping[str, type[Ordinal] | type[Trees]] = {form.FORM: form for form in (Ordinal, Trees)}
_WHOLE = frozenset({"feature", "left", "right", "roots", "width", "single"})


def as_arrays(form: Form) -> dict[str, Any]:
    """The model as a mapping of its name and its arrays, for `skops_file.write`."""
    return {"form": form.FORM, **{part.name: getattr(form, part.name) for part in fields(form)}}


def from_arrays(arrays: Mapping[str, Any]) -> Form:
    """The model of `as_arrays`.

    Raises:
        RefusedModel: there is no such form, a part is missing or is no finite array, there are others, or
            they do not fit.
    """
    form = _FORMS.get(str(arrays.get("form")))
    if form is None:
        raise RefusedModel(
            f"there is no form {str(arrays.get('form'))[:40]!r}; there are {', '.join(_FORMS)}"
        )
    names = [part.name for part in fields(form)]
    if set(arrays) != {"form", *names}:
        raise RefusedModel(f"a model of the form {form.FORM} has {', '.join(names)} and nothing else")
    return form(**{name: _array(name, arrays[name]) for name in names})


def _array(name: str, value: Any) -> NDArray[Any]:  # noqa: ANN401 - what a foreign file holds
    kind = np.int64 if name in _WHOLE else np.float64
    if not isinstance(value, np.ndarray) or value.dtype != kind or value.ndim != 1:
        raise RefusedModel(f"{name} is no list of {kind.__name__}")
    if not np.isfinite(value).all():
        raise RefusedModel(f"{name} holds values that are not finite")
    return value


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise RefusedModel(f"the arrays do not fit together: {what}")


def _ascends(values: Floats) -> bool:
    return bool((np.diff(values) > 0).all())


def _within(numbers: Numbers, count: int) -> bool:
    return bool(((numbers >= 0) & (numbers < count)).all())
