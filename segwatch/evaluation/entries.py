"""What `report.json` holds, and how a model's entries for the sets of a cohort are made."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from segwatch.arrays import Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.contracts.base import Contract
from segwatch.scoring.predict import Kind
from segwatch.statistics import curves
from segwatch.statistics.coverage import Coverage
from segwatch.statistics.resampling import FIGURES, Bounds, percentiles
from segwatch.statistics.set_figures import SetFigures, set_figures
from segwatch.statistics.verdicts import Judged


class Effective(Contract):
    """How many training rows weights leave."""

    effective: float


class WeightedCoverage(Coverage, Effective):
    """Coverage by intervals that are weighted to the set. Fields stand in the order of bases, last first."""


class Nominal(Contract):
    """The share of studies whose interval should hold."""

    nominal: float


class IntervalEntry(Coverage, Nominal):
    """How often a set's intervals hold; where there are weights, also the weighted ones."""

    weighted: WeightedCoverage | None


class SetEntry(SetFigures):
    """A model's figures of one set, and its curves.

    `…_ci` is what the model's `intervals` say of `ci`, and `…_bootstrap_ci` likewise; the latter stand there
    where models were fitted anew, and `interval` is null where none could be made.
    """

    confusion: tuple[tuple[int, ...], ...]
    roc: curves.Roc | None
    risk_coverage: curves.RiskCoverage
    dice_calibration: tuple[curves.DiceBin, ...]
    failure_calibration: curves.FailureCalibration | None
    interval: IntervalEntry | None = None
    sensitivity_bootstrap_ci: Bounds | None = None
    bin_specificity_micro_bootstrap_ci: Bounds | None = None
    binary_specificity_bootstrap_ci: Bounds | None = None
    ppv_bootstrap_ci: Bounds | None = None
    auroc_bootstrap_ci: Bounds | None = None
    accuracy_bootstrap_ci: Bounds | None = None
    mae_bootstrap_ci: Bounds | None = None
    mae_std_bootstrap_ci: Bounds | None = None
    mae_authors_code_bootstrap_ci: Bounds | None = None
    bias_bootstrap_ci: Bounds | None = None
    aurc_dice_bootstrap_ci: Bounds | None = None
    pearson_bootstrap_ci: Bounds | None = None
    spearman_bootstrap_ci: Bounds | None = None


class ModelEntry(Contract):
    """A model that was fitted, or a bundle by its digest; how it was judged, and what its intervals mean."""

    title: str
    kind: Kind
    judged: str
    bundle: str | None
    intervals: dict[str, str]
    sets: dict[str, SetEntry]


class ConstantEntry(Contract):
    """A scorer that looks at nothing."""

    title: str
    predicted_dice: float
    sets: dict[str, SetEntry]


class DrawnSpread(Contract):
    """How a figure is spread over retrainings, of which so many could give it."""

    defined: int
    mean: float | None
    sd: float | None


class BootstrapEntry(Contract):
    """Retrainings: how many, from which seed; by model, way, set and figure how they are spread."""

    replicates: int
    seed: int
    points: int
    ways: dict[str, str]
    models: dict[str, dict[str, dict[str, dict[str, DrawnSpread]]]]


class SensitivityTest(Contract):
    """The exact binomial test of a sensitivity, one-sided at `alpha`."""

    found: int
    failed: int
    alpha: float
    largest_rejected: float | None
    largest_rejected_on_grid: float | None


class Ablation(Contract):
    """Figures of a model that was fitted anew without some features."""

    left_out: tuple[str, ...]
    features: tuple[str, ...]
    sets: dict[str, SetFigures]


class CohortEntry(Contract):
    """What was evaluated on; of each set how many rows."""

    sha256: str
    rows: int
    patients: int
    sets: dict[str, int]


class FeaturesEntry(Contract):
    """What models read."""

    set: str
    names: tuple[str, ...]


class PairedDifference(Contract):
    """A scorer's figure on a rival's studies, and how it differs: scorer less rival, 95 % over patients."""

    scorer: float | None
    difference: float | None
    difference_ci: Bounds | None


class RivalSetEntry(Contract):
    """A rival's figures of the studies of a set that it can judge, and how scorers differ from it on those.

    A scorer that is judged there on what it was fitted on is not compared.
    """

    figures: SetFigures
    scorer_less_rival: dict[str, dict[str, PairedDifference]]


class RivalEntry(Contract):
    """A rival, each patient predicted without them; or why it is not measurable, of a set by None."""

    title: str
    features: tuple[str, ...]
    not_measurable: str | None
    fitted_on: str | None
    sets: dict[str, RivalSetEntry | None]


class BurdenSetEntry(Contract):
    """How well the error of the lesion's share of the lung is predicted, in percentage points.

    Attributes:
        n: the studies whose truth's share is known and that have a prediction.
        mae_constant: of the training rows' median for every study. gain: of the prediction on it.
        covered: the share of intervals that hold, of studies that are not outside; half_width: theirs.
        resubstitution: whether the model was fitted on these rows.
    """

    n: int
    mae: float
    mae_constant: float
    gain: float
    gain_ci: Bounds
    bias: float
    covered: float | None
    half_width: float | None
    resubstitution: bool


class BurdenEntry(Contract):
    """The second target of a bundle, or of a model fitted on `train`; why there is none, or its sets."""

    not_measurable: str | None
    sets: dict[str, BurdenSetEntry | None]


class Report(Contract):
    """Everything that `report.json` holds."""

    format: Literal["segwatch-report/1"]
    cohort: CohortEntry
    features: FeaturesEntry
    leave_patient_out: bool
    seed: int
    versions: dict[str, str]
    models: dict[str, ModelEntry]
    constants: dict[str, ConstantEntry]
    bootstrap: BootstrapEntry
    p_value: dict[str, dict[str, SensitivityTest]]
    ablation: dict[str, tuple[Ablation, ...]]
    rivals: dict[str, RivalEntry] = Field(default_factory=dict)
    burden: dict[str, BurdenEntry] = Field(default_factory=dict)

    def written(self) -> str:
        """As JSON. What was not looked at does not stand there, and NaN never does."""
        return json.dumps(self.model_dump(exclude_unset=True), indent=1, allow_nan=False) + "\n"


def set_entries(
    cohort: Cohort,
    judged: Judged,
    *,
    resubstitution: bool,
    probability: bool,
) -> dict[str, SetEntry]:
    """For each set its figures, with intervals over its patients, the model kept, and its curves.

    Args:
        cohort: n rows. judged: of all of them.
        resubstitution: whether the model was fitted on the rows of `train` that it is judged on.
        probability: whether the scores are probabilities of failure.
    """
    entries = {}
    for name, (rows, made) in _by_set(cohort, judged).items():
        figures: dict[str, Any] = dict(set_figures(made, rows.patients))
        figures["resubstitution"] = resubstitution and name == TRAIN
        entries[name] = SetEntry(
            **figures,
            confusion=curves.confusion(made),
            roc=curves.roc(made),
            risk_coverage=curves.risk_coverage(made),
            dice_calibration=curves.dice_calibration(made),
            failure_calibration=curves.failure_calibration(made) if probability else None,
        )
    return entries


def short_entries(cohort: Cohort, judged: Judged) -> dict[str, SetFigures]:
    """The same without curves."""
    return {name: set_figures(made, rows.patients) for name, (rows, made) in _by_set(cohort, judged).items()}


def with_intervals(
    entries: Mapping[str, SetEntry], found: Mapping[str, IntervalEntry] | None
) -> dict[str, SetEntry]:
    """The entries with what is said of each set's intervals; None where none could be made."""
    return {
        name: entry.model_copy(update={"interval": None if found is None else found[name]})
        for name, entry in entries.items()
    }


def with_refitted(entries: Mapping[str, SetEntry], drawn: Floats, suffix: str) -> dict[str, SetEntry]:
    """The entries with intervals of retrainings (replicates, sets, figures), under NAME + suffix."""
    return {
        name: entry.model_copy(
            update={
                f"{figure}{suffix}": percentiles(drawn[:, number, column])
                for column, figure in enumerate(FIGURES)
            }
        )
        for number, (name, entry) in enumerate(entries.items())
    }


def _by_set(cohort: Cohort, judged: Judged) -> dict[str, tuple[Cohort, Judged]]:
    return {
        name: (cohort.of_set(name), judged.rows(np.asarray(cohort.sets == name))) for name in cohort.set_names
    }
