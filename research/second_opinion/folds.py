"""Networks that have not seen some patients, nor some kinds of change, and what they are worth on them.

Patients are dealt into folds. The networks of even folds learn from plain scans and one half of the kinds of
change, those of odd folds from the other half. So every patient is judged by a network that never saw them,
plain, under kinds that it learnt from, and under kinds that it did not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from research.covid20_cohort.changes import CHANGES
from research.covid20_cohort.covid20 import Listed
from research.covid20_cohort.training import Precision, folds_of
from research.second_opinion.train import trained
from research.second_opinion.views import (
    PLAIN,
    LabelledView,
    packed,
    phantom_views,
    scan_views,
    unpacked,
)
from segwatch.contracts.identity import digest_of
from segwatch.files import Arrays, Finished, finished_arrays
from segwatch.segmentation.bundle import LeftOutDice
from segwatch.segmentation.opinion_network import (
    OpinionNetwork,
    lesion_probability,
    network_of,
    weights_of,
)

LEARNT: tuple[tuple[str, ...], ...] = (
    ("gamma", "noise", "bias_field"),
    ("blur", "contrast", "resolution", "window"),
)
"""The kinds of change that even and odd folds learn from."""
ALL_PATIENTS = -1
"""In place of a fold: nobody is left out."""


@dataclass(frozen=True)
class OpinionRecipe:
    """All that decides the networks.

    Attributes:
        folds: into how many the patients are dealt.
        stages: after how many steps a copy is made, rising; the last is the network.
        phantoms: how many phantoms in HU are among the patients.
        seed: of the deal and of what is drawn.
        precision: in which they are trained.
    """

    folds: int = 4
    stages: tuple[int, ...] = (150, 500, 2000)
    phantoms: int = 24
    seed: int = 0
    precision: Precision = "float32"


@dataclass(frozen=True)
class Making:
    """What is made, from which scans, and the folder in which what is done with lies."""

    recipe: OpinionRecipe
    cases: tuple[Listed, ...]
    folder: Path

    @property
    def fold(self) -> Mapping[str, int]:
        """The fold of each patient."""
        return folds_of([case.patient for case in self.cases], self.recipe.folds, self.recipe.seed)

    @property
    def views(self) -> Finished[Arrays]:
        """Each scan's views."""
        return finished_arrays(self.folder / "views")

    @property
    def networks(self) -> Finished[Arrays]:
        """Each network's weights, by fold and stage."""
        return finished_arrays(self.folder / f"networks-{digest_of(asdict(self.recipe))[:12]}")


def make_views(making: Making, done: Callable[[str], None]) -> None:
    """Every scan's views, and the phantoms', unless they are there."""
    seed = making.recipe.seed
    for case in making.cases:
        key = _view_key(case, seed)
        if making.views.get(key) is None:
            making.views.put(key, packed(scan_views(case, seed)))
        done(case.name)
    key = _phantom_key(making.recipe)
    if making.views.get(key) is None:
        making.views.put(key, packed(phantom_views(making.recipe.phantoms)))
    done("phantoms")


def train_fold(making: Making, fold: int, stepped: Callable[[float], None]) -> None:
    """The copies of a fold's network, unless they are there; of `ALL_PATIENTS` the one that is shipped."""
    recipe = making.recipe
    if all(making.networks.get(network_key(fold, stage)) is not None for stage in recipe.stages):
        return
    kinds = tuple(CHANGES) if fold == ALL_PATIENTS else LEARNT[fold % 2]
    torch.set_num_threads(1)
    copies = trained(
        _learnt_views(making, fold, kinds),
        stages=recipe.stages,
        seed=recipe.seed,
        precision=recipe.precision,
        stepped=stepped,
    )
    for stage, network in copies.items():
        making.networks.put(network_key(fold, stage), weights_of(network))


def network(making: Making, fold: int, stage: int) -> OpinionNetwork:
    """A copy that was trained.

    Raises:
        KeyError: it was not.
    """
    weights = making.networks.get(network_key(fold, stage))
    if weights is None:
        raise KeyError(network_key(fold, stage))
    return network_of(weights)


def network_key(fold: int, stage: int) -> str:
    """The name of a network's file."""
    return f"{'all' if fold == ALL_PATIENTS else fold}-{stage}"


def judged(making: Making) -> list[dict[str, str | float]]:
    """The Dice of the opinion of each scan by the network that never saw its patient, in each of its views.

    `learnt` is 1 of a plain scan and of a kind of change that the network learnt from, by other patients, or
    0. A view that has no lung, so that there is no opinion, is not among them.
    """
    torch.set_num_threads(1)
    rows: list[dict[str, str | float]] = []
    for case in making.cases:
        fold = making.fold[case.patient]
        asked = network(making, fold, making.recipe.stages[-1])
        for kind, view in case_views(making, case).items():
            learnt = int(kind == PLAIN or kind in LEARNT[fold % 2])
            rows.append(
                {
                    "case": case.name,
                    "patient": case.patient,
                    "kind": kind,
                    "learnt": learnt,
                    "dice": opinion_dice(asked, view),
                }
            )
    return rows


def left_out_dice(rows: Sequence[Mapping[str, str | float]]) -> LeftOutDice:
    """What a bundle says of those rows: means over patients, of kinds that were not learnt from."""
    plain = _by_patient([row for row in rows if row["kind"] == PLAIN])
    kinds = sorted({str(row["kind"]) for row in rows if not row["learnt"]})
    changed = {
        kind: _mean(_by_patient([row for row in rows if row["kind"] == kind and not row["learnt"]]))
        for kind in kinds
    }
    return LeftOutDice(
        patients=len(plain), plain=_mean(plain), plain_worst=round(min(plain), 4), changed=changed
    )


def _by_patient(rows: Sequence[Mapping[str, str | float]]) -> list[float]:
    patients = sorted({str(row["patient"]) for row in rows})
    return [float(np.mean([row["dice"] for row in rows if row["patient"] == each])) for each in patients]


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def opinion_dice(asked: OpinionNetwork, labelled: LabelledView) -> float:
    """The Dice of a network's mask with the truth, both on the opinion's grid, in the lung's box."""
    mask = lesion_probability(asked, labelled.view.stacks()) > 0.5
    together = int(mask.sum()) + int(labelled.truth.sum())
    return 2 * int((mask & labelled.truth).sum()) / together if together else 1.0


def _learnt_views(making: Making, fold: int, kinds: Sequence[str]) -> list[list[LabelledView]]:
    """Each patient's views but the fold's patients' and those of other kinds; and the phantoms."""
    patients: dict[str, list[LabelledView]] = {}
    for case in making.cases:
        if making.fold[case.patient] == fold:
            continue
        views = case_views(making, case)
        wanted = [view for kind, view in views.items() if kind == PLAIN or kind in kinds]
        patients.setdefault(case.patient, []).extend(wanted)
    phantoms = list(unpacked(_there(making, _phantom_key(making.recipe))).values())
    return [*patients.values(), phantoms]


def case_views(making: Making, case: Listed) -> dict[str, LabelledView]:
    """The scan's views, which were made."""
    return unpacked(_there(making, _view_key(case, making.recipe.seed)))


def _there(making: Making, key: str) -> Arrays:
    found = making.views.get(key)
    if found is None:
        raise KeyError(key)
    return found


def _view_key(case: Listed, seed: int) -> str:
    return f"{case.name}-{seed}-{(case.folder / 'ct.nii.gz').stat().st_size}"


def _phantom_key(recipe: OpinionRecipe) -> str:
    return f"phantoms-{recipe.phantoms}"
