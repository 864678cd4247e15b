"""Every row scored without its patient: by scorers as they are served, and by plain models."""

from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import expected_dice
from segwatch.scoring.predict import clipped_dice, raw_bins
from segwatch.training.calibration import TARGET_SENSITIVITY
from segwatch.training.feature_sets import FeatureSet
from segwatch.training.leave_patient_out import LeftOut, leave_patient_out
from segwatch.training.models import EVERY, fit
from segwatch.training.train import Choices

FOLDS = 5


@dataclass(frozen=True)
class Trial:
    """A model and the features that it reads, by name, and the sensitivity that its threshold is set for.

    `given`: it reads features that only segmentation can send.
    """

    model: str
    features: str
    given: bool = False
    target: float = TARGET_SENSITIVITY

    @property
    def title(self) -> str:
        """As tables name it."""
        return f"{self.model} on `{self.features}`"


TRIALS = (
    Trial("lr", "paper4"),
    Trial("lr", "normal4"),
    Trial("ordinal", "normal4"),
    Trial("ordinal", "normal8"),
    Trial("ordinal", "wide"),
    Trial("trees", "wide"),
    Trial("boost", "wide"),
    Trial("ordinal", "wide-given", given=True),
    Trial("trees", "wide-given", given=True),
    Trial("boost", "wide-given", given=True),
)


@dataclass(frozen=True)
class Outcome:
    """What a trial's scorers made of the cohort, and of the external set where they can."""

    here: LeftOut
    there: LeftOut | None


def outcome(trial: Trial, cohort: Cohort, external: Cohort | None) -> Outcome:
    """Each patient scored by scorers that were trained, calibrated and given a threshold without them."""
    choices = Choices(target_sensitivity=trial.target)
    return Outcome(*leave_patient_out(cohort, trial.model, trial.features, also=external, choices=choices))


def left_out_dice(
    learnt: Cohort, judged: Cohort, model: str, features: FeatureSet, folds: int = FOLDS
) -> Floats:
    """The Dice (n,) that a plain model predicts for rows of `judged`, fitted on other patients' rows.

    Patients are left out some at a time, in `folds` turns. NaN where a feature is undefined.
    """
    rows, asked = features.prepare(learnt), features.prepare(judged)
    usable = rows.rows(rows.defined)
    out = np.full(len(judged), np.nan)
    recipe = EVERY[model]
    for patients in np.array_split(np.unique(asked.patients), folds):
        mine = np.isin(asked.patients, patients) & asked.defined
        if not mine.any():
            continue
        others = usable.rows(~np.isin(usable.patients, patients))
        pipeline = fit(recipe, others.values, others.dice, directions=features.directions)
        values = asked.values[mine]
        classifier = recipe.kind == "classifier"
        out[mine] = (
            expected_dice(raw_bins(pipeline, values)) if classifier else clipped_dice(pipeline, values)
        )
    return out
