"""The bootstrap: retrainings on resampled studies, in chunks, in parallel, stored until the report is.

Every draw's generator is made from the seed, the way of drawing, the replicate's number and what is drawn,
so a replicate is the same whoever computes it, beside whichever others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.cohorts.table import Cohort
from segwatch.contracts.identity import digest_of
from segwatch.evaluation.batched_lr import fit_resamples
from segwatch.evaluation.plan import Plan, Split
from segwatch.files import Arrays, finished_arrays
from segwatch.processes import results
from segwatch.scoring.bins import COUNT, bin_of
from segwatch.statistics.resampling import FIGURES, figures_of_resamples
from segwatch.statistics.verdicts import Judged, fill_by_protocol, fill_from_bins
from segwatch.training.models import EVERY, ModelRecipe, fit

POINTS = 192
"""How many training studies the paper has, and draws with replacement."""
WAYS = ("points", "patients")
"""`points` draws training studies and keeps the test sets; `patients` draws patients of both."""
CHUNK: Mapping[str, int] = {"lr": 50}
SMALL_CHUNK = 10
_LEARN, _SET = 0, 1

DRAWN = "figures"
"""Under which a chunk's figures are stored."""
Drawn = Mapping[tuple[str, str], Floats]
"""For each model and way the figures (replicates, sets, figures)."""


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


def bootstrap(
    plan: Plan,
    models: Sequence[str],
    count: int,
    *,
    seed: int,
    workers: int,
    parts: Path,
    done: Callable[[int], None],
    ways: Sequence[str] = WAYS,
) -> Drawn:
    """All retrainings of the models, in both ways.

    Args:
        plan: what is learnt from and predicted. models: names. count: retrainings of each in each way.
        seed: of all draws. workers: processes, 0 is one a core; the figures do not depend on it.
        parts: folder in which finished chunks stay, so that a second start goes on.
        done: called with the number of retrainings that were finished. ways: of drawing.
    """
    origin = digest_of(
        [plan.cohort.sha256(), plan.leave_patient_out, FIGURES, {name: EVERY[name].title for name in models}]
    )
    wanted = [chunk for model in models for way in ways for chunk in chunks(model, way, seed, count)]
    finished = finished_arrays(parts).resume(
        wanted, lambda chunk: digest_of([origin, asdict(chunk)]), lambda missing: _run(plan, missing, workers)
    )
    found: dict[Chunk, Floats] = {}
    for chunk, arrays in finished:
        found[chunk] = arrays[DRAWN]
        done(chunk.count)
    return {
        (model, way): np.concatenate([found[chunk] for chunk in chunks(model, way, seed, count)])
        for model in models
        for way in ways
        if count
    }


def _run(plan: Plan, missing: Sequence[Chunk], workers: int) -> Iterator[tuple[Chunk, Arrays]]:
    for chunk, drawn in results(run, plan, missing, workers):
        yield chunk, {DRAWN: drawn}


def chunks(model: str, way: str, seed: int, replicates: int) -> list[Chunk]:
    """All replicates of a model in chunks, whose bounds depend on nothing else."""
    size = CHUNK.get(model, SMALL_CHUNK)
    return [
        Chunk(model, way, seed, first, min(size, replicates - first)) for first in range(0, replicates, size)
    ]


def run(plan: Plan, chunk: Chunk) -> Floats:
    """The figures (count, sets, figures) of a chunk, in the order of `set_names` and `FIGURES`."""
    made = Judged.undefined(plan.cohort.dice, chunk.count)
    there = plan.cohort.defined
    recipe = EVERY[chunk.model]
    for number, split in enumerate(plan.splits):
        drawn = np.stack([_learnt(plan.train, split, number, chunk, each) for each in chunk.numbers])
        if chunk.model == "lr":
            _fit_lr(made, plan, there & split.predict, drawn)
        else:
            _fit_each(made, plan, there & split.predict, drawn, recipe)
    out = np.empty((chunk.count, len(plan.cohort.set_names), len(FIGURES)))
    for number, name in enumerate(plan.cohort.set_names):
        rows = plan.of_set(name)
        weights = np.stack([_tested(plan, name, number, chunk, each) for each in chunk.numbers])
        found = figures_of_resamples(made.rows(rows), weights.astype(np.float64))
        out[:, number, :] = np.stack([found[figure] for figure in FIGURES], axis=1)
    return out


def _learnt(train: Cohort, split: Split, number: int, chunk: Chunk, replicate: int) -> Integers:
    """How often each training row (t,) is drawn to learn from."""
    rows = np.flatnonzero(split.learn)
    generator = _generator(chunk, replicate, _LEARN, number)
    counts = np.zeros(len(train), dtype=np.int64)
    if chunk.way == "points":
        np.add.at(counts, rows[generator.integers(len(rows), size=POINTS)], 1)
    else:
        counts[rows] = _patients_drawn(train.patients[rows], generator)
    return counts


def _tested(plan: Plan, name: str, number: int, chunk: Chunk, replicate: int) -> Integers:
    """How often each row of a set (m,) is drawn to be tested; apart from what was learnt from."""
    patients = plan.cohort.patients[plan.of_set(name)]
    if chunk.way == "points":
        return np.ones(len(patients), dtype=np.int64)
    return _patients_drawn(patients, _generator(chunk, replicate, _SET, number))


def _patients_drawn(patients: Texts, generator: np.random.Generator) -> Integers:
    """How often each row's patient (m,) is drawn, of as many draws as there are patients."""
    names, owner = np.unique(patients, return_inverse=True)
    drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
    return np.asarray(drawn[owner], dtype=np.int64)


def _generator(chunk: Chunk, replicate: int, what: int, number: int) -> np.random.Generator:
    return np.random.default_rng([chunk.seed, WAYS.index(chunk.way), replicate, what, number])


def _fit_lr(made: Judged, plan: Plan, where: Flags, drawn: Integers) -> None:
    """All resamples at once: the same optimum (a test says so), several times faster."""
    fitted = fit_resamples(plan.train.values, bin_of(plan.train.dice), drawn)
    shares = fitted.probabilities(plan.cohort.values[where])
    fill_from_bins(made, (slice(None), where), shares.argmax(axis=-1), shares)


def _fit_each(made: Judged, plan: Plan, where: Flags, drawn: Integers, recipe: ModelRecipe) -> None:
    """One resample after the other; a classifier that drew one bin only always says that bin."""
    values, dice = plan.train.values, plan.train.dice
    for number, counts in enumerate(drawn):
        rows = np.repeat(np.arange(len(dice)), counts)
        bins = np.unique(bin_of(dice[rows]))
        if recipe.kind == "classifier" and len(bins) == 1:
            shares = np.tile(np.eye(COUNT)[bins[0]], (int(where.sum()), 1))
            fill_from_bins(made, (number, where), shares.argmax(axis=-1), shares)
        else:
            model = fit(recipe, values[rows], dice[rows], directions=plan.directions)
            fill_by_protocol(made, (number, where), recipe.kind, model, plan.cohort.values[where])
