"""What a report says beside its models: the constants, the retrainings' spread, the exact tests."""

from collections.abc import Mapping, Sequence

import numpy as np

from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.evaluation.bootstrap import POINTS, Drawn
from segwatch.evaluation.entries import (
    BootstrapEntry,
    ConstantEntry,
    DrawnSpread,
    SensitivityTest,
    SetEntry,
    set_entries,
)
from segwatch.statistics.binomial import ALPHA, largest_rejected, largest_rejected_on_grid
from segwatch.statistics.figures import constants
from segwatch.statistics.resampling import FIGURES
from segwatch.statistics.set_figures import defined

REFITTED = "patients of train and of the set resampled, the model fitted anew"
DRAWN_POINTS = (
    "192 training studies drawn with replacement, the model fitted anew, the set kept (the paper's bootstrap)"
)


def constant_entries(cohort: Cohort, mean: float) -> dict[str, ConstantEntry]:
    """Of every set: `mean` for every study, and everything flagged."""
    return {
        title.replace(" ", "_"): ConstantEntry(
            title=title,
            predicted_dice=float(judged.predicted[0]),
            sets=set_entries(cohort, judged, resubstitution=True, probability=False),
        )
        for title, judged in constants(cohort.dice, np.array([mean])).items()
    }


def bootstrap_entry(drawn: Drawn, sets: Sequence[str], replicates: int, seed: int) -> BootstrapEntry:
    """How often, from which seed, and how the figures of the retrainings are spread."""
    models: dict[str, dict[str, dict[str, dict[str, DrawnSpread]]]] = {}
    for (model, way), figures in drawn.items():
        models.setdefault(model, {})[way] = {
            name: {figure: _spread(figures[:, number, column]) for column, figure in enumerate(FIGURES)}
            for number, name in enumerate(sets)
        }
    return BootstrapEntry(
        replicates=replicates,
        seed=seed,
        points=POINTS,
        ways={"points": DRAWN_POINTS, "patients": REFITTED},
        models=models,
    )


def _spread(values: Floats) -> DrawnSpread:
    known = values[~np.isnan(values)]
    if not len(known):
        return DrawnSpread(defined=0, mean=None, sd=None)
    return DrawnSpread(defined=len(known), mean=defined(known.mean()), sd=defined(known.std()))


def sensitivity_tests(sets: Mapping[str, SetEntry]) -> dict[str, SensitivityTest]:
    """The exact test of each set's sensitivity."""
    return {
        name: SensitivityTest(
            found=entry.found,
            failed=entry.failed,
            alpha=ALPHA,
            largest_rejected=largest_rejected(entry.found, entry.failed),
            largest_rejected_on_grid=largest_rejected_on_grid(entry.found, entry.failed),
        )
        for name, entry in sets.items()
    }
