"""The scorer that is shipped, as docs/scoring.md trains it, on patients left out; and what was asked of it.

Two tests stand here that the scorer before it would have failed: the truth itself given as a mask, and good
masks of patients left out, patient by patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.figures import RESAMPLES, Estimate, measured
from research.evidence.goals import Goal
from research.evidence.trials import Trial
from segwatch.arrays import Flags
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import failed
from segwatch.scoring.training_results import GoodMasks
from segwatch.statistics.coverage import Coverage, coverage
from segwatch.statistics.resampling import mean_over_patients
from segwatch.training.good_masks import tried_on_good_masks
from segwatch.training.leave_patient_out import LeftOut

SHIPPED = Trial("boost", "any-hand", target=0.85)
EXPERT = "-expert-lung"
PARTS = {
    "small networks' masks": "@covid20",
    "published masks and variants": "@published",
    "truths, as they are and damaged": "@truths",
}
"""What the masks are, and how the cases of their table end."""


@dataclass(frozen=True)
class Judgement:
    """What scorers that never saw the patient made of some masks, in figures."""

    title: str
    masks: int
    figures: dict[str, Estimate]
    intervals: Coverage
    good: GoodMasks


def judgements(rows: Cohort, made: LeftOut) -> list[Judgement]:
    """All masks under the product's lung masks, by what they are, and all under the expert's.

    Args:
        rows: the tables of the shipped scorer one after the other, each case named after its table.
        made: what was made of them.
    """
    expert = np.char.endswith(rows.cases, EXPERT)
    parts = {"all masks": ~expert}
    parts |= {title: np.char.endswith(rows.cases, end) for title, end in PARTS.items()}
    parts |= {"all masks, the expert's lung": expert}
    return [_judgement(title, rows, made, chosen) for title, chosen in parts.items() if chosen.any()]


def _judgement(title: str, rows: Cohort, made: LeftOut, chosen: Flags) -> Judgement:
    part, judged = rows.rows(chosen), made.judged.rows(chosen)
    there = np.isfinite(judged.predicted)
    return Judgement(
        title=title,
        masks=len(part),
        figures=measured(judged, part.patients),
        intervals=coverage(made.intervals.rows(chosen), part.dice, part.patients),
        good=tried_on_good_masks(part.rows(there), judged.predicted[there], judged.flagged[there]),
    )


def asked_of_it(found: Sequence[Judgement], rows: Cohort, made: LeftOut) -> list[Goal]:
    """What was asked for patients left out, under the product's lung masks."""
    every = found[0]
    covered, good = every.intervals, every.good
    goals = [
        Goal("AUROC", 0.83, True, every.figures["auroc"]),
        Goal("MAE", 0.16, False, every.figures["mae"]),
        Goal("coverage of 80 % intervals", 0.80, True, Estimate(covered.covered)),
        Goal("the worst patient's coverage", 0.70, True, Estimate(covered.worst_patient)),
        Goal("truth as mask, predicted Dice", 0.75, True, Estimate(good.truth_dice)),
        Goal("truth as mask, flagged", 0.10, False, Estimate(good.truths_flagged)),
    ]
    published = np.char.endswith(rows.cases, PARTS["published masks and variants"]) & ~failed(rows.dice)
    if published.any():
        flagged = made.judged.flagged[published].astype(np.float64)
        share = Estimate(
            *mean_over_patients(flagged, rows.patients[published], resamples=RESAMPLES, tail=2.5)
        )
        goals.append(Goal("good published masks flagged", 0.40, False, share))
    return goals
