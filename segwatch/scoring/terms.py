"""What a model reads, made from the measures: closed formulas that a manifest names, never code.

A term takes out what a measure owes to the scan and not to the mask: components per ml instead of
components, an intensity against its own lung's. All formulas are total: a floor keeps logarithms and
quotients finite.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from segwatch.arrays import Floats
from segwatch.contracts.base import Contract, Name

Formula = Literal["value", "log", "log_ratio", "logit", "rate_of_loss"]

_FORMULAS: Mapping[str, tuple[int, Callable[..., Floats]]] = {
    "value": (1, lambda floor, x: x),
    "log": (1, lambda floor, x: np.log(np.maximum(x, floor))),
    "log_ratio": (2, lambda floor, x, y: np.log(np.maximum(x, floor)) - np.log(np.maximum(y, floor))),
    "logit": (1, lambda floor, x: _logit(np.clip(x, floor, 1.0 - floor))),
    "rate_of_loss": (2, lambda floor, x, y: -np.log(np.clip(x, floor, 1.0)) / np.maximum(y, floor)),
}
"""How many features each takes, and its value, given its floor and their columns (n,)."""


class Term(Contract):
    """One column that the model reads.

    Formulas of features x, y, …: `value` x; `log` log(x); `log_ratio` log(x / y); `logit` log(x / (1 - x));
    `rate_of_loss` -log(x) / y, for an overlap x that decays over a distance y. Arguments below `floor` count
    as `floor`.
    """

    name: Name
    formula: Formula
    of: Annotated[tuple[Name, ...], Field(min_length=1, max_length=2)]
    floor: Annotated[float, Field(gt=0, lt=0.5)] = 1e-3

    @model_validator(mode="after")
    def _takes_as_many_as_its_formula(self) -> "Term":
        if len(self.of) != _FORMULAS[self.formula][0]:
            raise ValueError(f"{self.formula} takes {_FORMULAS[self.formula][0]} features")
        return self


def columns(terms: Sequence[Term], features: Sequence[str], values: Floats) -> Floats:
    """The terms (n, t) of features (n, f); a row with a gap (NaN) in a term's feature has one there too.

    Without terms the features are what the model reads.
    """
    if not terms:
        return values
    place = {name: number for number, name in enumerate(features)}
    made = [
        _FORMULAS[term.formula][1](term.floor, *(values[:, place[name]] for name in term.of))
        for term in terms
    ]
    return np.stack(made, axis=1)


def needed(terms: Sequence[Term]) -> tuple[str, ...]:
    """The features that terms are made of, each once, in the order in which they first stand there."""
    return tuple(dict.fromkeys(name for term in terms for name in term.of))


def _logit(share: Floats) -> Floats:
    return np.asarray(np.log(share / (1.0 - share)), dtype=np.float64)
