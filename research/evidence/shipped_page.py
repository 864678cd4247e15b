"""Writes what is said of the shipped scorer."""

from collections.abc import Sequence

from research.evidence.page import covered_cells, in_hundredths, table
from research.evidence.shipped import Judgement
from research.evidence.trials import Trial

FIGURES = ("AUROC", "sensitivity", "specificity", "MAE", "half-width", "covered", "worst patient")
GOOD = ("masks", "truths", "predicted", "flagged", "outranked", "specificity", "worst patient's")
TRUTH_AS_MASK = """
**Truth as mask, and good masks of patients left out.** A scorer must not take an expert's truth for worse
than a network's mask, nor flag the good masks of a patient it has not met. *Outranked*: the share of good
predictions that rank above their own truth. *Specificity*: by patient, their mean and the worst of those
with five good masks or more.

"""


def shipped_section(trial: Trial, found: Sequence[Judgement]) -> str:
    """Figures, intervals, and the two tests of good masks."""
    body = ((each.title, each.masks, *_figures(each)) for each in found)
    return (
        f"\n## The scorer that is shipped\n{trial.title}, its threshold set for a sensitivity of "
        f"{trial.target:g}, learnt from small networks' masks, published ones and truths, damaged and as "
        "they are, under both lung masks ([scoring](scoring.md#the-scorer-of-the-real-cohort)); each patient "
        "left out of all. Model and features were chosen on these same patients, so the figures are somewhat "
        "too good.\n\n"
        + table(("masks", "n", *FIGURES), body)
        + TRUTH_AS_MASK
        + table(GOOD, ((each.title, *_good(each)) for each in found))
    )


def _figures(each: Judgement) -> tuple[object, ...]:
    names = ("auroc", "sensitivity", "specificity", "mae")
    return (*(each.figures[name] for name in names), *covered_cells(each.intervals)[2:])


def _good(each: Judgement) -> tuple[object, ...]:
    good = each.good
    told = (good.truth_dice, good.truths_flagged, good.truths_outranked, good.specificity, good.worst_patient)
    return (good.truths, *map(in_hundredths, told))
