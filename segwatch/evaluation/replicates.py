"""Retrainings on resampled studies, a chunk of them at a time: which are drawn, and the figures that follow.

Every draw's generator is made from the seed, the way of drawing, the replicate's number and what is drawn,
so a replicate is the same whoever computes it, beside whichever others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.cohorts.table import Cohort, Flags
from segwatch.evaluation import paper_protocol as protocol
from segwatch.evaluation.batched_lr import fit_resamples
from segwatch.evaluation.splits import Plan, Split
from segwatch.scoring.bins import COUNT, Floats, bin_of
from segwatch.statistics import figures_of_resamples as batch
from segwatch.training.models import EVERY, ModelRecipe, fit

POINTS = 192
"""How many training studies the paper has, and draws with replacement."""
WAYS = ("points", "patients")
"""`points` draws training studies and keeps the test sets; `patients` draws patients of both."""
CHUNK: Mapping[str, int] = {"lr": 50}
SMALL_CHUNK = 10
_LEARN, _SET = 0, 1

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """So many replicates of one model in one way, from the first on."""

    model: str
    way: str
    seed: int
    first: int
    count: int

    @property
    def numbers(self) -> range:
        """The replicates' numbers."""
        return range(self.first, self.first + self.count)


def chunks(model: str, way: str, seed: int, replicates: int) -> list[Chunk]:
    """All replicates of a model in chunks, whose bounds depend on nothing else."""
    size = CHUNK.get(model, SMALL_CHUNK)
    return [
        Chunk(model, way, seed, first, min(size, replicates - first)) for first in range(0, replicates, size)
    ]


def run(plan: Plan, chunk: Chunk) -> Floats:
    """The figures (count, sets, figures) of a chunk, in the order of `plan.sets` and `batch.FIGURES`."""
    made = protocol.empty(len(plan.cohort), chunk.count)
    there = plan.cohort.defined
    recipe = EVERY[chunk.model]
    for number, split in enumerate(plan.splits):
        drawn = np.stack([_learnt(plan.train, split, number, chunk, each) for each in chunk.numbers])
        if chunk.model == "lr":
            _fit_lr(made, plan, there & split.predict, drawn)
        else:
            _fit_each(made, plan, there & split.predict, drawn, recipe)
    out = np.empty((chunk.count, len(plan.sets), len(batch.FIGURES)))
    for number, name in enumerate(plan.sets):
        rows = plan.of_set(name)
        weights = np.stack([_tested(plan, name, number, chunk, each) for each in chunk.numbers])
        found = batch.figures(plan.cohort.dice[rows], made.columns(rows), weights.astype(np.float64))
        out[:, number, :] = np.stack([found[figure] for figure in batch.FIGURES], axis=1)
    return out


def _learnt(train: Cohort, split: Split, number: int, chunk: Chunk, replicate: int) -> Counts:
    """How often each training row (t,) is drawn to learn from."""
    rows = np.flatnonzero(split.learn)
    generator = _generator(chunk, replicate, _LEARN, number)
    counts = np.zeros(len(train), dtype=np.int64)
    if chunk.way == "points":
        np.add.at(counts, rows[generator.integers(len(rows), size=POINTS)], 1)
    else:
        counts[rows] = _patients_drawn(train.patients[rows], generator)
    return counts


def _tested(plan: Plan, name: str, number: int, chunk: Chunk, replicate: int) -> Counts:
    """How often each row of a set (m,) is drawn to be tested; apart from what was learnt from."""
    patients = plan.cohort.patients[plan.of_set(name)]
    if chunk.way == "points":
        return np.ones(len(patients), dtype=np.int64)
    return _patients_drawn(patients, _generator(chunk, replicate, _SET, number))


def _patients_drawn(patients: NDArray[np.str_], generator: np.random.Generator) -> Counts:
    """How often each row's patient (m,) is drawn, of as many draws as there are patients."""
    names, owner = np.unique(patients, return_inverse=True)
    drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
    return np.asarray(drawn[owner], dtype=np.int64)


def _generator(chunk: Chunk, replicate: int, what: int, number: int) -> np.random.Generator:
    return np.random.default_rng([chunk.seed, WAYS.index(chunk.way), replicate, what, number])


def _fit_lr(made: batch.Made, plan: Plan, where: Flags, drawn: Counts) -> None:
    """All resamples at once: the same optimum (a test says so), several times faster."""
    fitted = fit_resamples(plan.train.values, bin_of(plan.train.dice), drawn)
    protocol.fill_shares(made, slice(None), where, fitted.probabilities(plan.cohort.values[where]))


def _fit_each(made: batch.Made, plan: Plan, where: Flags, drawn: Counts, recipe: ModelRecipe) -> None:
    """One resample after the other; a classifier that drew one bin only always says that bin."""
    values, dice = plan.train.values, plan.train.dice
    for number, counts in enumerate(drawn):
        rows = np.repeat(np.arange(len(dice)), counts)
        bins = np.unique(bin_of(dice[rows]))
        if recipe.kind == "classifier" and len(bins) == 1:
            protocol.fill_shares(made, number, where, np.tile(np.eye(COUNT)[bins[0]], (int(where.sum()), 1)))
        else:
            model = fit(recipe, values[rows], dice[rows], directions=plan.directions)
            protocol.fill(made, number, where, recipe, model, plan.cohort.values[where])
