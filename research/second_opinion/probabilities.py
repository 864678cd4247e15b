"""What a network says of its masks by its own probabilities, on patients left out: what earns its place.

The masks are the opinion's networks' own, at two stages of their training, on scans as they are and changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.trials import left_out_dice
from research.second_opinion.folds import Making, case_views, network
from segwatch.arrays import Floats, Texts
from segwatch.cohorts.table import Cohort
from segwatch.segmentation.confidence import summary
from segwatch.segmentation.opinion_network import lesion_probability
from segwatch.statistics.ranking import spearman
from segwatch.statistics.resampling import RESAMPLES, Bounds, mean_over_patients, patient_weights, percentiles
from segwatch.training.feature_sets import feature_set

FIRST = ("mean_foreground_probability", "probability_entropy")
"""What is there already."""
TRIED = ("soft_dice_confidence", "soft_recall", "threshold_agreement")
MODEL = "boost"


@dataclass(frozen=True)
class FigureWorth:
    """A figure of the probabilities.

    Attributes:
        name: the feature's.
        rank: Spearman's correlation of it, alone, with the Dice, and its 95 % interval over patients.
        gain: by how much the error of a scorer of the first two falls with it too, and the interval.
    """

    name: str
    rank: float
    rank_interval: Bounds | None
    gain: tuple[float, float, float] | None


def masks_with_probabilities(making: Making) -> Cohort:
    """A row for each mask that is not empty: its true Dice, and what its network says of it."""
    rows: list[tuple[str, str, float, list[float]]] = []
    for case in making.cases:
        for stage in making.recipe.stages[1:]:
            asked = network(making, making.fold[case.patient], stage)
            for kind, labelled in case_views(making, case).items():
                probability = lesion_probability(asked, labelled.view.stacks())
                mask = probability > 0.5
                said = summary(mask, probability, None)
                figures = (
                    said.mean_foreground,
                    said.entropy,
                    said.soft_dice_confidence,
                    said.soft_recall,
                    said.threshold_agreement,
                )
                known = [figure for figure in figures if figure is not None]
                together = int(mask.sum()) + int(labelled.truth.sum())
                if len(known) == len(figures) and together:
                    dice = 2 * int((mask & labelled.truth).sum()) / together
                    rows.append((f"{case.name}-{kind}-{stage}", case.patient, dice, known))
    return Cohort(
        cases=np.array([row[0] for row in rows]),
        patients=np.array([row[1] for row in rows]),
        sets=np.array(["train"] * len(rows)),
        dice=np.array([row[2] for row in rows]),
        features=(*FIRST, *TRIED),
        values=np.array([row[3] for row in rows]),
    )


def worths(rows: Cohort) -> list[FigureWorth]:
    """Each figure alone, and each of those that are tried beside the first two, on patients left out."""
    base = _errors(rows, FIRST)
    found = []
    for number, name in enumerate(rows.features):
        rank, interval = _rank(rows.values[:, number], rows.dice, rows.patients)
        gain = None
        if name in TRIED:
            saved = base - _errors(rows, (*FIRST, name))
            gain = mean_over_patients(saved, rows.patients, resamples=RESAMPLES, tail=2.5)
        found.append(FigureWorth(name, rank, interval, gain))
    return found


def page(found: Sequence[FigureWorth], rows: Cohort) -> str:
    """The figures as Markdown."""
    names = ("figure", "Spearman with Dice, alone", "error saved beside the first two")
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    body = "".join(
        f"| `{each.name}` | {each.rank:+.2f}{_interval(each.rank_interval)} | "
        f"{'' if each.gain is None else f'{each.gain[0]:+.3f}{_interval(each.gain[1:])}'} |\n"
        for each in found
    )
    patients = len(set(rows.patients.tolist()))
    return f"{len(rows)} masks of {patients} patients, mean Dice {rows.dice.mean():.2f}.\n\n{head}{body}"


def _errors(rows: Cohort, features: Sequence[str]) -> Floats:
    folds = len(set(rows.patients.tolist()))
    predicted = left_out_dice(rows, rows, MODEL, feature_set(",".join(features)), folds)
    return np.asarray(np.abs(predicted - rows.dice))


def _rank(values: Floats, dice: Floats, patients: Texts) -> tuple[float, Bounds | None]:
    weights = patient_weights(patients, np.random.default_rng(0), RESAMPLES)
    whole = spearman(values[None], dice, np.ones((1, len(dice))))
    return float(whole[0]), percentiles(spearman(values[None], dice, weights))


def _interval(bounds: Bounds | tuple[float, ...] | None) -> str:
    return "" if bounds is None else f" [{bounds[0]:+.3f}, {bounds[1]:+.3f}]"
