"""The paper's five models, exactly as docs/architecture.md has them, and three that do better; all seeded.

Fitted on all rows, or in folds in which no patient is on both sides.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from segwatch.arrays import Flags, Floats, Integers
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import COUNT, bin_of, failed
from segwatch.scoring.predict import Kind, raw_output
from segwatch.training.ordinal import OrdinalRegression

SEED = 0
FOLDS = 10
TRUTH_COUNTS = 5.0
"""For so many rows a truth counts, given as a mask (Dice 1). There is one of a scan among dozens of
predictions, and above it nothing: a model that errs least on the whole calls it middling."""


@dataclass(frozen=True)
class ModelRecipe:
    """A model: its kind, and how it is made from a seed.

    `scaled`: it stands behind a StandardScaler, as all of the paper's do. `monotone`: the parameter by which
    it is told in which direction Dice goes with each column; None where it cannot be told. `weighted`: it
    takes weights of rows, and counts truths more than once (`TRUTH_COUNTS`); none of the paper's does.
    """

    name: str
    title: str
    kind: Kind
    build: Callable[[int], Any]
    scaled: bool = True
    monotone: str | None = None
    weighted: bool = False


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


def boosted(seed: int, loss: str = "squared_error") -> HistGradientBoostingRegressor:
    """Small trees, much held back: for some hundred rows of a dozen patients."""
    return HistGradientBoostingRegressor(
        loss=loss,
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
            ModelRecipe(
                "ordinal",
                "monotone ordinal regression, 19 cuts",
                "regressor",
                _ordinal,
                scaled=False,
                monotone="directions",
                weighted=True,
            ),
            ModelRecipe(
                "trees", "extremely randomised trees", "regressor", _trees, scaled=False, weighted=True
            ),
            ModelRecipe(
                "boost",
                "monotone gradient boosting",
                "regressor",
                boosted,
                scaled=False,
                monotone="monotonic_cst",
                weighted=True,
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
    if recipe.monotone is not None and any(directions):
        model.set_params(**{recipe.monotone: list(directions)})
    pipeline = Pipeline([("scale", StandardScaler() if recipe.scaled else "passthrough"), ("model", model)])
    target = bin_of(dice) if recipe.kind == "classifier" else dice
    # Tables of some hundred rows gain nothing from threads, and lose much where other processes work.
    with warnings.catch_warnings(), threadpool_limits(1):
        # The paper's MLP stops after 200 epochs, converged or not: that is its definition, no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        counts = {"model__sample_weight": np.where(dice == 1.0, TRUTH_COUNTS, 1.0)} if recipe.weighted else {}
        return pipeline.fit(values, target, **counts)


def patient_folds(cohort: Cohort, seed: int, most: int = FOLDS) -> Integers:
    """The fold (n,) of each row: whole patients, dealt out by their share of failures.

    Dealing in that order keeps failures and successes on both sides of every fold, as long as two patients
    have each. With fewer patients than `most`, each is a fold of its own.
    """
    names, rows = np.unique(cohort.patients, return_inverse=True)
    share = np.bincount(rows, weights=failed(cohort.dice)) / np.bincount(rows)
    order = np.lexsort((np.random.default_rng(seed).random(len(names)), share))
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % min(most, len(names))
    return np.asarray(fold[rows], dtype=np.int64)


def splits(folds: Integers) -> Iterator[tuple[Flags, Flags]]:
    """For each fold the rows to learn from and the rows to predict, both (n,)."""
    for number in range(int(folds.max()) + 1):
        held_out = folds == number
        yield ~held_out, held_out


def predicted_out_of_fold(
    recipe: ModelRecipe, cohort: Cohort, folds: Integers, seed: int, directions: Sequence[int] = ()
) -> Floats:
    """What models that never saw the patient say of each row.

    A classifier's raw bins (n, 5); a regressor's clipped Dice (n, 1).
    """
    out = np.empty((len(cohort), COUNT if recipe.kind == "classifier" else 1))
    for learn, held_out in splits(folds):
        model = fit(recipe, cohort.values[learn], cohort.dice[learn], seed, directions)
        out[held_out] = raw_output(model, recipe.kind, cohort.values[held_out])
    return out
