"""Whether a second opinion earns its place in a scorer: its gain on patients left out must be sure."""

import numpy as np

from segwatch.arrays import Floats, Integers
from segwatch.cohorts.table import Cohort
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.quality import AGREEMENT, OPINION
from segwatch.contracts.studies import Ensemble
from segwatch.errors import RefusedCohort
from segwatch.scoring.predict import Predictions
from segwatch.scoring.training_results import Figure, OpinionWorth
from segwatch.statistics.figures import auroc
from segwatch.statistics.resampling import (
    RESAMPLES,
    figures_of_resamples,
    patient_weights,
    percentiles,
)
from segwatch.statistics.verdicts import Judged, served


def opinion_model(cohort: Cohort) -> ModelIdentity:
    """Whose second opinion the cohort's features compare with.

    Raises:
        RefusedCohort: the table does not say.
    """
    name, _, sha256 = cohort.opinion.partition("@")
    try:
        return ModelIdentity(name=name, sha256=sha256)
    except ValueError:
        raise RefusedCohort(
            f"the cohort's second opinion is of {cohort.opinion or 'unsaid'!r}: its column opinion must hold "
            "NAME@SHA256 of the model, as `segwatch measure --opinion` writes it: opinions of two models do "
            "not compare"
        ) from None


def ensemble_of(rows: Cohort) -> Ensemble | None:
    """What the agreement that a scorer reads is of; None where it reads none, or the table does not say."""
    if AGREEMENT not in rows.features or not rows.ensemble:
        return None
    if rows.ensemble == "folds":
        return "folds"
    if rows.ensemble == "seeds":
        return "seeds"
    raise RefusedCohort(f"the cohort's column ensemble holds {rows.ensemble!r}: it is folds or seeds")


def opinion_worth(
    whose: ModelIdentity, rows: Cohort, said: Predictions, others: Cohort, others_said: Predictions
) -> OpinionWorth:
    """What the opinion adds, on the rows that both scorers can score.

    Args:
        whose: the opinion's model.
        rows: those that have an opinion. said: of them, by scorers that never saw the patient.
        others: those that can be scored without one. others_said: the same of them.

    Raises:
        RefusedCohort: they share no failed and no good mask, so nothing can be compared.
    """
    place = {case: number for number, case in enumerate(others.cases.tolist())}
    mine = np.array([number for number, case in enumerate(rows.cases.tolist()) if case in place], np.int64)
    theirs = np.array([place[rows.cases[number]] for number in mine], np.int64)
    shared = rows.rows(mine)
    with_it, without = (
        served(shared.dice, part, 0.5) for part in (_rows_of(said, mine), _rows_of(others_said, theirs))
    )
    plain = auroc(without)
    found = auroc(with_it)
    if plain is None or found is None:
        raise RefusedCohort(
            "the rows with a second opinion are all failed, or all good: its gain cannot be told"
        )
    weights = patient_weights(shared.patients, np.random.default_rng(0), RESAMPLES)
    low, high = percentiles(_auroc(with_it, weights) - _auroc(without, weights)) or (-1.0, 1.0)
    truths = rows.rows(rows.dice == 1.0)
    agreed = truths.select(OPINION[:1]).values if OPINION[0] in rows.features else np.empty(0)
    return OpinionWorth(
        model=whose,
        gain=Figure(value=found - plain, low=low, high=high),
        auroc_without=plain,
        dice=float(agreed.mean()) if agreed.size else None,
    )


def not_taken(worth: OpinionWorth) -> str:
    """Why a scorer does without the second opinion that was there."""
    gain = worth.gain
    return (
        f"The second opinion of {worth.model.name} was tried and not taken: on patients left out it gains "
        f"{gain.value:+.3f} in AUROC (95 % interval {gain.low:+.3f} to {gain.high:+.3f}), which is not sure."
    )


def _auroc(judged: Judged, weights: Floats) -> Floats:
    return figures_of_resamples(judged, weights)["auroc"]


def _rows_of(said: Predictions, chosen: Integers) -> Predictions:
    return Predictions(said.bins[chosen], said.dice[chosen], said.failure[chosen])
