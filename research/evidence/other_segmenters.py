"""Learnt from one segmenter's masks, judged on another's: what carries over, and the simplest that does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.figures import Estimate, measured
from research.evidence.tables import Tables
from research.evidence.trials import Trial, left_out_dice
from segwatch.arrays import Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set

PUBLISHED = "published masks"


@dataclass(frozen=True)
class Pair:
    """Two segmenters by name, and their masks: those learnt from, and those judged."""

    one: str
    other: str
    learnt: Cohort
    judged: Cohort


@dataclass(frozen=True)
class Carried:
    """A trial's figures over all pairs of segmenters; its errors on the other network and published masks."""

    trial: Trial
    everywhere: dict[str, Estimate]
    networks: Estimate
    published: Estimate


def pairs(tables: Tables, *, same: bool = False) -> Iterator[Pair]:
    """Each network of the cohort with each other segmenter; with `same` also with itself."""
    cohort = tables.cohort.of_set(TRAIN)
    makers = np.array([str(row["made_by"]) for row in tables.made])
    parts = {f"network `{name}`": cohort.rows(makers == name) for name in np.unique(makers)}
    for one, learnt in parts.items():
        for other, judged in {**parts, PUBLISHED: tables.external}.items():
            if same or one != other:
                yield Pair(one, other, learnt, judged)


def carried(trial: Trial, asked: Sequence[Pair]) -> Carried:
    """What the trial's plain model, a fifth of the patients left out at a time, says of other segmenters."""
    features = feature_set(trial.features)
    said = [(pair, left_out_dice(pair.learnt, pair.judged, trial.model, features)) for pair in asked]
    networks = [each for each in said if each[0].other != PUBLISHED]
    published = [each for each in said if each[0].other == PUBLISHED]
    return Carried(trial, _figures(said), _figures(networks)["mae"], _figures(published)["mae"])


def simplest(found: Sequence[Carried]) -> tuple[Carried, Carried]:
    """The one that errs least over all pairs, and the first, the simplest, that is within its interval."""

    def mae(each: Carried) -> float:
        return np.inf if each.everywhere["mae"].value is None else each.everywhere["mae"].value

    best = min(found, key=mae)
    enough = best.everywhere["mae"].high
    return best, next(each for each in found if each is best or (enough is not None and mae(each) <= enough))


def _figures(said: Sequence[tuple[Pair, Floats]]) -> dict[str, Estimate]:
    dice = np.concatenate([pair.judged.dice for pair, _ in said])
    patients = np.concatenate([pair.judged.patients for pair, _ in said])
    return measured(Judged.by_dice(dice, np.concatenate([each for _, each in said])), patients)
