"""Two tests that a scorer must stand before it pages anybody: the truth itself as a mask, and good masks.

A cohort in which every good mask is a network's cannot show that a scorer takes "smooth as a network" for
"good". Rows of Dice 1 are truths: the scorer, fitted without their patient, must not rank them below the
patient's good predictions, nor flag them; and good masks of patients left out must pass, patient by patient.
"""

import numpy as np

from segwatch.arrays import Flags
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import failed
from segwatch.scoring.manifest import GoodMasks
from segwatch.scoring.predict import Predictions

FEWEST_OF_A_PATIENT = 5
"""A patient with fewer good masks has no specificity of their own."""


def tried_on_good_masks(rows: Cohort, seen: Predictions, threshold: float) -> GoodMasks:
    """What a scorer says of the good masks among its training rows, each as predicted without its patient.

    Args:
        rows: the training rows (n,); those of Dice 1 are truths given as masks.
        seen: what was predicted of them out of fold.
        threshold: of the probability of failure, from which on a mask is flagged.
    """
    flagged = seen.failure >= threshold
    good, truth = ~failed(rows.dice), rows.dice == 1.0
    by_patient = [
        (float((~flagged[mine]).mean()), int(mine.sum()))
        for patient in np.unique(rows.patients[good])
        if (mine := good & (rows.patients == patient)).any()
    ]
    counted = [share for share, count in by_patient if count >= FEWEST_OF_A_PATIENT]
    return GoodMasks(
        patients=len(by_patient),
        specificity=float(np.mean([share for share, _ in by_patient])) if by_patient else None,
        worst_patient=min(counted, default=None),
        truths=int(truth.sum()),
        truth_dice=float(seen.dice[truth].mean()) if truth.any() else None,
        truths_flagged=float(flagged[truth].mean()) if truth.any() else None,
        truths_outranked=_outranked(rows, seen, good & ~truth, truth),
    )


def _outranked(rows: Cohort, seen: Predictions, good: Flags, truth: Flags) -> float | None:
    """The share of pairs of a truth and a good prediction of its patient in which the latter ranks higher.

    Ties count half. None where there is no pair.
    """
    higher, pairs = 0.0, 0
    for row in np.flatnonzero(truth):
        others = seen.dice[good & (rows.patients == rows.patients[row])]
        higher += float((others > seen.dice[row]).sum() + 0.5 * (others == seen.dice[row]).sum())
        pairs += len(others)
    return higher / pairs if pairs else None
