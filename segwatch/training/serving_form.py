"""The form in which a fitted model is served: the paper's five as scikit-learn's, the others as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from segwatch.arrays import Floats
from segwatch.scoring.forms import Form, Numbers, Trees
from segwatch.training.ordinal import OrdinalRegression


@dataclass(frozen=True)
class _Tree:
    """One tree's nodes, numbered from 0; a leaf has children -1."""

    feature: Numbers
    threshold: Floats
    left: Numbers
    right: Numbers
    value: Floats


def serving_form(fitted: Pipeline) -> Pipeline | Form:
    """What the bundle holds of a fitted pipeline; it predicts the same."""
    model = fitted["model"]
    if isinstance(model, OrdinalRegression):
        return model.form_
    width = int(getattr(model, "n_features_in_", 0))
    if isinstance(model, ExtraTreesRegressor):
        trees = [_of_forest(each.tree_, len(model.estimators_)) for each in model.estimators_]
        return _one_list(trees, base=0.0, width=width, single=1)
    if isinstance(model, HistGradientBoostingRegressor):
        trees = [_of_boosting(round_[0].nodes) for round_ in model._predictors]
        return _one_list(trees, base=float(model._baseline_prediction.item()), width=width, single=0)
    return _without_leftovers(fitted)


def _without_leftovers(fitted: Pipeline) -> Pipeline:
    """The pipeline without what only training needed: the optimiser's and the random generator's state."""
    for leftover in ("_optimizer", "_random_state"):
        vars(fitted["model"]).pop(leftover, None)
    return fitted


def _of_forest(tree: Any, count: int) -> _Tree:  # noqa: ANN401 - scikit-learn carries no types
    return _Tree(
        feature=tree.feature.astype(np.int64),
        threshold=tree.threshold.astype(np.float64),
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        value=tree.value[:, 0, 0].astype(np.float64) / count,
    )


def _of_boosting(nodes: Any) -> _Tree:  # noqa: ANN401 - as above
    leaf = nodes["is_leaf"].astype(bool)
    return _Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        value=nodes["value"].astype(np.float64),
    )


def _one_list(trees: Sequence[_Tree], *, base: float, width: int, single: int) -> Trees:
    """All trees in one list of nodes; leaves point at themselves and read the first term."""
    sizes = [len(tree.feature) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    parts = [_placed(tree, int(root)) for tree, root in zip(trees, roots, strict=True)]
    feature, threshold, left, right, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Trees(
        feature=feature,
        threshold=threshold,
        left=left,
        right=right,
        value=value,
        roots=roots,
        base=np.array([base]),
        width=np.array([width], dtype=np.int64),
        single=np.array([single], dtype=np.int64),
    )


def _placed(tree: _Tree, root: int) -> tuple[Numbers, Floats, Numbers, Numbers, Floats]:
    leaf = tree.left < 0
    places = np.arange(len(leaf)) + root
    return (
        np.where(leaf, 0, tree.feature),
        np.where(leaf, 0.0, tree.threshold),
        np.where(leaf, places, tree.left + root),
        np.where(leaf, places, tree.right + root),
        np.where(leaf, tree.value, 0.0),
    )
