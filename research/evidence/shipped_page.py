"""Writes what is said of the shipped scorer."""

from collections.abc import Sequence
from pathlib import Path

from research.evidence.goals import Goal
from research.evidence.page import covered_cells, goals_table, in_hundredths, table
from research.evidence.shipped import SHIPPED, Judgement, asked_of_it, judgements
from research.evidence.stored_outcomes import stored_outcome
from research.evidence.trials import Trial
from segwatch.cohorts.table import Cohort
from segwatch.files import write_whole

FIGURES = ("AUROC", "sensitivity", "specificity", "MAE", "half-width", "covered", "worst patient")
GOOD = ("masks", "truths", "predicted", "flagged", "outranked", "specificity", "worst patient's")
HEAD = """# Evidence: the scorer that is shipped

Made by one command from the cohort that another makes, as the [evidence](evidence.md) of the scorers
before it:

```
python -m research make --source ../shared/data/covid20 --out COHORT      # 47 minutes of processor time
python -m research shipped --folder COHORT --out docs/evidence-shipped.md
```

`covid20-scorer` learns from small networks' masks, published masks and variants of them, and the
expert's truths as they are and damaged in twelve known ways, under the product's lung masks and the
expert's ([scoring](scoring.md#the-scorer-of-the-real-cohort)). Here each patient is scored by one that
was trained, calibrated and thresholded without them. Model and features were chosen on these same 13
patients, so the figures are somewhat too good, and whether they hold for new patients only new patients
show. In brackets 95 % intervals that resample patients. Failed means Dice < 0.6; an undefined study
counts as predicted failed and has no predicted Dice; intervals are of those that are not outside.
"""
TRUTH_AS_MASK = """
## Truth as mask, and good masks of patients left out
A scorer must not take an expert's truth for worse
than a network's mask, nor flag the good masks of a patient it has not met. *Outranked*: the share of good
predictions that rank above their own truth. *Specificity*: by patient, their mean and the worst of those
with five good masks or more.

"""


def write_shipped(rows: Cohort, out: Path, outcomes: Path, trial: Trial = SHIPPED) -> list[Goal]:
    """Write the page `out`; returns the goals.

    Args:
        rows: what `read_shipped_rows` gives. outcomes: the folder in which the outcome is stored.
        trial: model, features and target of the shipped scorer.
    """
    made = stored_outcome(trial, rows, None, outcomes).here
    found = judgements(rows, made)
    goals = asked_of_it(found, rows, made)
    write_whole(out, "".join([HEAD, _told(trial), goals_table(goals), *_sections(found)]))
    return goals


def _told(trial: Trial) -> str:
    return (
        f"\n{trial.title}, its threshold set for a sensitivity of {trial.target:g}. Asked for patients left "
        "out, under the product's lung masks:\n\n"
    )


def _sections(found: Sequence[Judgement]) -> list[str]:
    figures = ((each.title, each.masks, *_figures(each)) for each in found)
    good = ((each.title, *_good(each)) for each in found)
    return ["\n## Figures\n", table(("masks", "n", *FIGURES), figures), TRUTH_AS_MASK, table(GOOD, good)]


def _figures(each: Judgement) -> tuple[object, ...]:
    names = ("auroc", "sensitivity", "specificity", "mae")
    return (*(each.figures[name] for name in names), *covered_cells(each.intervals)[2:])


def _good(each: Judgement) -> tuple[object, ...]:
    good = each.good
    told = (good.truth_dice, good.truths_flagged, good.truths_outranked, good.specificity, good.worst_patient)
    return (good.truths, *map(in_hundredths, told))
