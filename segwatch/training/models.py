"""The paper's five models, exactly as docs/architecture.md has them, and three that do better; all seeded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from segwatch.scoring.bins import Bins, Floats, bin_of
from segwatch.scoring.predict import Kind, clipped_dice
from segwatch.training.ordinal import OrdinalRegression
from segwatch.training.quiet import without_convergence_warnings

SEED = 0


@dataclass(frozen=True)
class ModelRecipe:
    """A model: its kind, and how it is made from a seed.

    `scaled`: it stands behind a StandardScaler, as all of the paper's do. `monotone`: it can be told in which
    direction Dice goes with each column.
    """

    name: str
    title: str
    kind: Kind
    build: Callable[[int], Any]
    scaled: bool = True
    monotone: bool = False


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


def _ordinal(seed: int) -> OrdinalRegression:  # noqa: ARG001 - it draws nothing, and scales by itself
    return OrdinalRegression()


def _trees(seed: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(
        n_estimators=100, max_depth=8, min_samples_leaf=5, max_features=0.5, random_state=seed
    )


def _boost(seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        max_iter=120,
        learning_rate=0.06,
        max_depth=3,
        min_samples_leaf=10,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


MODELS: Mapping[str, ModelRecipe] = {
    recipe.name: recipe
    for recipe in (
        ModelRecipe("lr", "logistic regression, multinomial", "classifier", _lr),
        ModelRecipe("svm", "support vector machine, RBF", "classifier", _svm),
        ModelRecipe("rr", "ridge regression", "regressor", lambda seed: Ridge(alpha=1.0, random_state=seed)),
        ModelRecipe("svr", "support vector regression, RBF", "regressor", lambda seed: SVR(kernel="rbf")),
        ModelRecipe("mlp", "multilayer perceptron", "regressor", _mlp),
    )
}


EVERY: Mapping[str, ModelRecipe] = {
    **MODELS,
    **{
        recipe.name: recipe
        for recipe in (
            ModelRecipe("ordinal", "ordinal regression, 19 cuts", "regressor", _ordinal, scaled=False),
            ModelRecipe("trees", "extremely randomised trees", "regressor", _trees, scaled=False),
            ModelRecipe(
                "boost", "monotone gradient boosting", "regressor", _boost, scaled=False, monotone=True
            ),
        )
    },
}
"""The paper's five, and those that are served as arrays (`segwatch.scoring.forms`)."""


def fit(
    recipe: ModelRecipe, values: Floats, dice: Floats, seed: int = SEED, directions: Sequence[int] = ()
) -> Pipeline:
    """The recipe's pipeline fitted on what the model reads (n, t) without gaps and true Dice (n,).

    A classifier learns the five bins, a regressor the Dice. `directions` (t,) are those of a `FeatureSet`;
    models that are not monotone take no notice of them.
    """
    model = recipe.build(seed)
    if recipe.monotone and any(directions):
        model.set_params(monotonic_cst=list(directions))
    pipeline = Pipeline([("scale", StandardScaler() if recipe.scaled else "passthrough"), ("model", model)])
    target = bin_of(dice) if recipe.kind == "classifier" else dice
    # Tables of some hundred rows gain nothing from threads, and lose much where other processes work.
    with without_convergence_warnings(), threadpool_limits(1):
        return pipeline.fit(values, target)


def protocol_bins(recipe: ModelRecipe, model: Pipeline, values: Floats) -> Bins:
    """The paper's predicted bin (n,): a classifier's argmax, a regressor's clipped prediction binned."""
    if recipe.kind == "classifier":
        return np.asarray(model.predict(values), dtype=np.int64)
    return bin_of(clipped_dice(model, values))
