"""Two tests that a scorer must stand before it pages anybody: the truth itself as a mask, and good masks.

A cohort in which every good mask is a network's cannot show that a scorer takes "smooth as a network" for
"good". Rows of Dice 1 are truths: the scorer, fitted without their patient, must not rank them below the
patient's good predictions, nor flag them; and good masks of patients left out must pass, patient by patient.
"""

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import failed
from segwatch.scoring.training_results import GoodMasks

FEWEST_OF_A_PATIENT = 5
"""A patient with fewer good masks has no specificity of their own."""


def tried_on_good_masks(rows: Cohort, predicted: Floats, flagged: Flags) -> GoodMasks:
    """What a scorer says of the good masks among rows, each as predicted without its patient.

    Args:
        rows: the masks (n,); those of Dice 1 are truths given as masks.
        predicted: their Dice (n,), by scorers that never saw the patient.
        flagged: whether such a scorer calls them failed (n,).
    """
    good, truth = ~failed(rows.dice), rows.dice == 1.0
    by_patient = [
        (float((~flagged[mine]).mean()), int(mine.sum()))
        for mine in (good & (rows.patients == patient) for patient in np.unique(rows.patients[good]))
    ]
    counted = [share for share, count in by_patient if count >= FEWEST_OF_A_PATIENT]
    return GoodMasks(
        patients=len(by_patient),
        specificity=float(np.mean([share for share, _ in by_patient])) if by_patient else None,
        worst_patient=min(counted, default=None),
        truths=int(truth.sum()),
        truth_dice=float(predicted[truth].mean()) if truth.any() else None,
        truths_flagged=float(flagged[truth].mean()) if truth.any() else None,
        truths_outranked=_outranked(rows, predicted, good & ~truth, truth),
    )


def _outranked(rows: Cohort, predicted: Floats, good: Flags, truth: Flags) -> float | None:
    """The share of pairs of a truth and a good prediction of its patient in which the latter ranks higher.

    Ties count half. None where there is no pair.
    """
    higher, pairs = 0.0, 0
    for row in np.flatnonzero(truth):
        others = predicted[good & (rows.patients == rows.patients[row])]
        higher += float((others > predicted[row]).sum() + 0.5 * (others == predicted[row]).sum())
        pairs += len(others)
    return higher / pairs if pairs else None
