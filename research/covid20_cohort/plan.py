"""Which predictions a cohort consists of: of which scan, stage, change and threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.random import Generator

from research.covid20_cohort.changes import CHANGES
from segwatch.cohorts.damages import DAMAGES
from segwatch.contracts.identity import digest_of

TREATMENTS = ("none", "threshold", "part", "thick_slices", "flip", *CHANGES)
"""What may be done to a scan before it is segmented, or to the threshold after; one or two at a time."""
PUBLISHED = "published"
"""The segmenter whose masks came with the scans."""
TRUTH = "truth"
"""The expert, whose masks are the truth: as they are, and damaged on purpose."""
STAGE_WEIGHTS = (0.1, 0.15, 0.25, 0.5)
"""From the earliest copy of a network to the last: most masks are made by a finished one."""
SECOND_CHANGE = 0.3
"""The share of predictions under two changes at once."""
MILDNESS = 2.0
"""A strength is a share to this power: of the changes that a hospital sees, most are mild."""
MOVED = ("thick_slices", "part", "flip", *CHANGES)
CHANGED_TRUTHS = 0.4
"""The share of damaged truths on a changed scan."""
SEEN = 0.4
"""The share made by a network that has seen the patient: nothing else here is as good as a strong model."""


@dataclass(frozen=True)
class Planned:
    """One prediction.

    Attributes:
        name: the row's case.
        source: the scan's case.
        patient: whose it is.
        segmenter: the network's recipe, by name.
        networks: the digest of what its networks are made from.
        stage: index of the network's copy, the earliest first.
        seen: whether the network learnt from this patient among others.
        changes: kinds with their strengths, 0 to 1, in the order in which they are made.
        threshold: of the probability.
        seed: of what the changes and damages draw.
        damages: of the mask, with their strengths, in the order in which they are made.
    """

    name: str
    source: str
    patient: str
    segmenter: str
    networks: str
    stage: int
    seen: bool
    changes: tuple[tuple[str, float], ...]
    threshold: float
    seed: int
    damages: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:
        """Under which its rows are kept: another plan's prediction of the same name has another."""
        what = {name: value for name, value in asdict(self).items() if name != "damages" or value}
        return f"{self.name}@{digest_of(what)[:12]}"


def planned(
    cases: Sequence[tuple[str, str]], segmenters: Mapping[str, tuple[str, int]], seed: int
) -> list[Planned]:
    """As many predictions of every scan as each segmenter makes.

    Every scan gets every kind of change in turn; strengths, stages and second changes are drawn. The first
    of each segmenter is the finished network on the scan as it is.

    Args:
        cases: case and patient.
        segmenters: names of recipes; what each one's networks are made from, and how many predictions of a
            scan it makes.
        seed: of all that is drawn.
    """
    plan: list[Planned] = []
    for number, (case, patient) in enumerate(cases):
        for turn, (segmenter, (made_from, each)) in enumerate(segmenters.items()):
            draw = np.random.default_rng([seed, number, turn])
            plan += [
                _one(case, patient, segmenter, made_from, place, TREATMENTS, draw) for place in range(each)
            ]
    return plan


def planned_published(cases: Sequence[tuple[str, str]], each: int, seed: int) -> list[Planned]:
    """As many variants of every published mask: it goes with its scan through what moves voxels, and stays as
    it is where only intensities change.
    """
    kinds = tuple(kind for kind in TREATMENTS if kind != "threshold")
    plan: list[Planned] = []
    for number, (case, patient) in enumerate(cases):
        draw = np.random.default_rng([seed, number, len(TREATMENTS)])
        plan += [_one(case, patient, PUBLISHED, PUBLISHED, place, kinds, draw) for place in range(each)]
    return plan


def planned_truths(cases: Sequence[tuple[str, str]], each: int, seed: int) -> list[Planned]:
    """Every scan's true mask, and as many damaged ones: every kind of damage in turn, some under a second one
    or on a changed scan. The first of each scan is the truth on the scan as it is.
    """
    kinds = tuple(DAMAGES)
    plan: list[Planned] = []
    for number, (case, patient) in enumerate(cases):
        draw = np.random.default_rng([seed, number, len(TREATMENTS) + 1])
        for place in range(each):
            seed_of_one = int(draw.integers(2**31))
            damages = [kinds[(place + number) % len(kinds)]] if place else []
            if damages and draw.random() < SECOND_CHANGE:
                damages.append(str(draw.choice(kinds)))
            strengths = tuple((kind, round(float(draw.random()), 3)) for kind in dict.fromkeys(damages))
            changed = place > 0 and draw.random() < CHANGED_TRUTHS
            changes = (
                ((str(draw.choice(MOVED)), round(float(draw.random()) ** MILDNESS, 3)),) if changed else ()
            )
            plan.append(
                Planned(
                    name=f"{case}-{TRUTH}-{place:02d}",
                    source=case,
                    patient=patient,
                    segmenter=TRUTH,
                    networks=TRUTH,
                    stage=len(STAGE_WEIGHTS) - 1,
                    seen=False,
                    changes=changes,
                    threshold=0.5,
                    seed=seed_of_one,
                    damages=strengths,
                )
            )
    return plan


def _one(
    case: str,
    patient: str,
    segmenter: str,
    made_from: str,
    place: int,
    possible: Sequence[str],
    draw: Generator,
) -> Planned:
    first = possible[place % len(possible)]
    stage = int(draw.choice(len(STAGE_WEIGHTS), p=STAGE_WEIGHTS)) if place else len(STAGE_WEIGHTS) - 1
    kinds = [] if first == "none" else [first]
    if kinds and draw.random() < SECOND_CHANGE:
        kinds.append(str(draw.choice(possible[1:])))
    changes = tuple((kind, round(float(draw.random()) ** MILDNESS, 3)) for kind in dict.fromkeys(kinds))
    threshold = 0.5
    if "threshold" in kinds:
        logit = draw.uniform(-5, 5)
        threshold = round(float(1 / (1 + np.exp(-logit))), 4)
    return Planned(
        name=f"{case}-{segmenter}-{place:02d}",
        source=case,
        patient=patient,
        segmenter=segmenter,
        networks=made_from,
        stage=stage,
        seen=place > 0 and float(draw.random()) < SEEN,
        changes=tuple(change for change in changes if change[0] != "threshold"),
        threshold=threshold,
        seed=int(draw.integers(2**31)),
    )
