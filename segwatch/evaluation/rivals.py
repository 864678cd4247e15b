"""The field's rivals, which every scorer is set beside: what is known for nothing, and a plain forest.

Agreement and mean foreground probability alone, and a forest on simple features of mask and confidence, are
the strong baselines of Zenk et al., Comparative benchmarking of failure detection methods in medical image
segmentation, Medical Image Analysis 2025, arXiv:2406.03323. Each predicts Dice, and each patient by a fit
that has not seen them. Where a cohort lacks what a rival reads, that is said: it is not beaten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from segwatch.arrays import Flags, Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.evaluation.entries import ModelEntry, PairedDifference, RivalEntry, RivalSetEntry
from segwatch.evaluation.plan import plan_of, predicted
from segwatch.statistics.resampling import (
    RESAMPLES,
    figures_of_resamples,
    patient_weights,
    percentiles,
)
from segwatch.statistics.set_figures import defined, set_figures
from segwatch.statistics.verdicts import Judged
from segwatch.training.models import MODELS, ModelRecipe

COMPARED = ("auroc", "aurc_dice", "pearson", "spearman", "mae")
"""The figures whose difference to each scorer is told."""


@dataclass(frozen=True)
class Rival:
    """A rival: its title, the features that it reads, and how it is fitted to Dice."""

    title: str
    features: tuple[str, ...]
    recipe: ModelRecipe


def _forest(seed: int) -> RandomForestRegressor:
    return RandomForestRegressor(n_estimators=100, random_state=seed)


FOREST = ModelRecipe("forest", "random forest, 100 trees", "regressor", _forest)
RIVALS: Mapping[str, Rival] = {
    "agreement": Rival("agreement alone", ("fold_agreement",), MODELS["rr"]),
    "foreground": Rival("foreground probability alone", ("mean_foreground_probability",), MODELS["rr"]),
    "forest": Rival(
        "forest on simple features",
        (
            "mean_foreground_probability",
            "probability_entropy",
            "lesion_volume_ml",
            "connected_components",
        ),
        FOREST,
    ),
}
"""A line through one feature ranks as the feature does, and says a Dice. The forest's features are those of
the paper's that are measured here: confidence in the foreground and around it, size, number of components."""


def rival_entries(
    cohort: Cohort, judged: Mapping[str, Judged], models: Mapping[str, ModelEntry], seed: int
) -> dict[str, RivalEntry]:
    """Each rival's figures for every set, and how each scorer differs from it on the same studies.

    Args:
        cohort: with whatever columns its table has (n rows).
        judged: what each scorer made of the rows. models: the scorers' entries, of the same names.
        seed: of the forest.
    """
    return {name: _entry(cohort, rival, judged, models, seed) for name, rival in RIVALS.items()}


def _entry(
    cohort: Cohort,
    rival: Rival,
    judged: Mapping[str, Judged],
    models: Mapping[str, ModelEntry],
    seed: int,
) -> RivalEntry:
    lacking = _lacking(cohort, rival.features)
    if lacking:
        return _not_measurable(rival, f"the cohort has no {', no '.join(lacking)}")
    rows = cohort.select(rival.features)
    fitted_on = TRAIN if TRAIN in cohort.set_names else "all sets"
    learnt = rows if fitted_on == TRAIN else replace(rows, sets=np.full(len(rows), TRAIN))
    try:
        made = predicted(plan_of(learnt, leave_patient_out=True), rival.recipe, seed)
    except RefusedCohort as error:
        return _not_measurable(rival, str(error))
    sets = {}
    for name in cohort.set_names:
        there = rows.defined & (cohort.sets == name)
        beside = {
            model: each for model, each in judged.items() if not models[model].sets[name].resubstitution
        }
        sets[name] = _set_entry(cohort, made, beside, there) if there.any() else None
    return RivalEntry(
        title=rival.title, features=rival.features, not_measurable=None, fitted_on=fitted_on, sets=sets
    )


def _not_measurable(rival: Rival, reason: str) -> RivalEntry:
    return RivalEntry(
        title=rival.title, features=rival.features, not_measurable=reason, fitted_on=None, sets={}
    )


def _lacking(cohort: Cohort, features: tuple[str, ...]) -> list[str]:
    """The features that no study of the cohort has."""
    there = {
        name
        for name, column in zip(cohort.features, cohort.values.T, strict=True)
        if np.isfinite(column).any()
    }
    return [name for name in features if name not in there]


def _set_entry(cohort: Cohort, rival: Judged, scorers: Mapping[str, Judged], rows: Flags) -> RivalSetEntry:
    """Of the set's rows that the rival can judge, and no others: a scorer's gain is never the rival's gap."""
    patients = cohort.patients[rows]
    weights = patient_weights(patients, np.random.default_rng(0), RESAMPLES)
    one, drawn = _figures(rival.rows(rows), weights)
    scorer_less_rival = {}
    for name, judged in scorers.items():
        other, drawn_other = _figures(judged.rows(rows), weights)
        scorer_less_rival[name] = {
            figure: PairedDifference(
                scorer=defined(other[figure]),
                difference=defined(other[figure] - one[figure]),
                difference_ci=percentiles(drawn_other[figure] - drawn[figure]),
            )
            for figure in COMPARED
        }
    return RivalSetEntry(figures=set_figures(rival.rows(rows), patients), scorer_less_rival=scorer_less_rival)


def _figures(judged: Judged, weights: Floats) -> tuple[dict[str, float], dict[str, Floats]]:
    """The figures of the rows as they are, and of each resample."""
    whole = figures_of_resamples(judged, np.ones((1, len(judged))))
    drawn = figures_of_resamples(judged, weights)
    return {name: float(whole[name][0]) for name in COMPARED}, {name: drawn[name] for name in COMPARED}
