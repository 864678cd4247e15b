"""The paper's five models, exactly as DESIGN.md has them, each behind a StandardScaler and seeded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from services.evaluation.quiet import without_convergence_warnings
from services.scoring.bins import Bins, Floats, bin_of
from services.scoring.predict import Kind, clipped_dice

SEED = 0


@dataclass(frozen=True)
class Recipe:
    """A model of the paper: its kind, and how it is made from a seed."""

    name: str
    title: str
    kind: Kind
    build: Callable[[int], Any]


def _mlp(seed: int) -> MLPRegressor:
    return MLPRegressor(
        hidden_layer_sizes=(50, 100, 100, 50),
        activation="relu",
        solver="adam",
        max_iter=200,
        random_state=seed,
    )


def _svm(seed: int) -> SVC:
    return SVC(kernel="rbf", class_weight="balanced", decision_function_shape="ovr", random_state=seed)


def _lr(seed: int) -> LogisticRegression:
    return LogisticRegression(C=1.0, class_weight="balanced", max_iter=10_000, random_state=seed)


MODELS: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("lr", "logistic regression, multinomial", "classifier", _lr),
        Recipe("svm", "support vector machine, RBF", "classifier", _svm),
        Recipe("rr", "ridge regression", "regressor", lambda seed: Ridge(alpha=1.0, random_state=seed)),
        Recipe("svr", "support vector regression, RBF", "regressor", lambda seed: SVR(kernel="rbf")),
        Recipe("mlp", "multilayer perceptron", "regressor", _mlp),
    )
}


def fit(recipe: Recipe, values: Floats, dice: Floats, seed: int = SEED) -> Pipeline:
    """The recipe's pipeline fitted on features (n, f) without gaps and true Dice (n,).

    A classifier learns the five bins, a regressor the Dice.
    """
    pipeline = Pipeline([("scale", StandardScaler()), ("model", recipe.build(seed))])
    target = bin_of(dice) if recipe.kind == "classifier" else dice
    with without_convergence_warnings():
        return pipeline.fit(values, target)


def protocol_bins(recipe: Recipe, model: Pipeline, values: Floats) -> Bins:
    """The paper's predicted bin (n,): a classifier's argmax, a regressor's clipped prediction binned."""
    if recipe.kind == "classifier":
        return np.asarray(model.predict(values), dtype=np.int64)
    return bin_of(clipped_dice(model, values))
