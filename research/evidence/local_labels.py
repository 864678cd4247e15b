"""What happens away from the cohort: local labels, and batches."""

from dataclasses import dataclass

import numpy as np

from research.evidence.figures import rank_correlation
from segwatch.arrays import Floats, Texts
from segwatch.training.adapt import CORRECTIONS, left_out_errors

HALVES = 200
BATCHES = 400
BATCH = 20
PATIENTS_OF_A_SITE = 7
TILT = 3.0
FALL = 0.2


@dataclass(frozen=True)
class Local:
    """Mean over random halves of patients: error and rank correlation on the unlabelled half."""

    name: str
    mae: float
    mae_low: float
    mae_high: float
    spearman: float | None


CHOSEN = "chosen on the labelled half"


def local_labels(predicted: Floats, dice: Floats, patients: Texts) -> list[Local]:
    """Predictions (n,) corrected by labels of half of the patients, judged on the others.

    `constant` predicts the labelled half's mean. CHOSEN takes the correction with the least error when each
    patient of the labelled half is left out, the constant not among them. The 2.5 to 97.5 percentiles are
    those over halves.
    """
    draw = np.random.default_rng(0)
    names = np.unique(patients)
    errors: dict[str, list[float]] = {name: [] for name in ("constant", *CORRECTIONS, CHOSEN)}
    ranks: dict[str, list[float]] = {name: [] for name in (*CORRECTIONS, CHOSEN)}
    for _ in range(HALVES):
        local = np.isin(patients, draw.permutation(names)[: len(names) // 2])
        errors["constant"].append(float(np.abs(dice[local].mean() - dice[~local]).mean()))
        chosen = _chosen(predicted[local], dice[local], patients[local])
        for name in (*CORRECTIONS, CHOSEN):
            offset, scale = CORRECTIONS[chosen if name == CHOSEN else name](predicted[local], dice[local])
            corrected = np.clip(offset + scale * predicted[~local], 0, 1)
            errors[name].append(float(np.abs(corrected - dice[~local]).mean()))
            rank = rank_correlation(corrected, dice[~local])
            ranks[name] += [] if rank is None else [rank]
    made = []
    for name, found in errors.items():
        low, high = (float(np.percentile(found, share)) for share in (2.5, 97.5))
        rank = float(np.mean(ranks[name])) if ranks.get(name) else None
        made.append(Local(name, float(np.mean(found)), low, high, rank))
    return made


def _chosen(predicted: Floats, dice: Floats, patients: Texts) -> str:
    def error(name: str) -> float:
        return float(np.abs(left_out_errors(CORRECTIONS[name], predicted, dice, patients)).mean())

    return min(CORRECTIONS, key=error)


@dataclass(frozen=True)
class Batches:
    """The error of a batch's mean Dice, and how far it moves when the true one falls by 0.2."""

    error: float
    error_90: float
    moved: float


def batches(predicted: Floats, dice: Floats, patients: Texts) -> Batches:
    """Batches of 20 defined masks of a site's 7 patients, drawn so that the true mean varies.

    How far the predicted mean moves is the slope over batches of one site, times 0.2.
    """
    draw = np.random.default_rng(0)
    there = np.isfinite(predicted)
    predicted, dice, patients = predicted[there], dice[there], patients[there]
    names = np.unique(patients)
    true, said = [], []
    for _ in range(BATCHES):
        site = np.flatnonzero(np.isin(patients, draw.permutation(names)[:PATIENTS_OF_A_SITE]))
        weight = np.exp(draw.uniform(-TILT, TILT) * dice[site])
        rows = draw.choice(site, BATCH, p=weight / weight.sum())
        true.append(dice[rows].mean())
        said.append(predicted[rows].mean())
    errors = np.abs(np.array(said) - np.array(true))
    slope = float(np.polyfit(true, said, 1)[0])
    return Batches(float(errors.mean()), float(np.percentile(errors, 90)), slope * FALL)
