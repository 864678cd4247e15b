"""Goes through a plan: trains, predicts, measures, and writes the tables. Can be stopped and started again.

```
OUT/covid20.parquet                 the cohort, measured with the product's own lung mask
OUT/covid20-expert-lung.parquet     the same masks measured with the expert's lung mask
OUT/published.parquet               published predictions on changed scans and parts of scans, own lung
OUT/published-expert-lung.parquet   and the expert's
OUT/external.parquet                the published predictions as they are, own lung
OUT/external-expert-lung.parquet    and the expert's
OUT/truths.parquet                  the expert's masks as they are (Dice 1) and damaged, own lung
OUT/truths-expert-lung.parquet      and the expert's
OUT/covid20-made.parquet            how each row of the cohort was made: scan, segmenter, stage, changes
OUT/.work/                          networks, and rows as they come: what a second start goes on from
```
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from research.covid20_cohort.changes import CHANGES, changed, flipped, part, thicker
from research.covid20_cohort.covid20 import Listed, Scan, read_published, read_scan
from research.covid20_cohort.measured_row import MeasuredRow, hounsfield, measures_of, product_lung, row_of
from research.covid20_cohort.plan import PUBLISHED, TRUTH, Planned
from research.covid20_cohort.predict import Predictor, mask_of
from research.covid20_cohort.setup import Context
from research.covid20_cohort.training import NetworkRecipe
from segwatch.cohorts.columns import SEGMENTER
from segwatch.cohorts.damages import Known, damaged
from segwatch.cohorts.demo_cohort import true_dice
from segwatch.contracts.studies import MaskProbabilities
from segwatch.processes import results
from segwatch.volumes.image import Array, Mask

LUNGS = ("own", "expert")


def prepared(scan: Scan, one: Planned) -> Scan:
    """The scan as the prediction's changes leave it."""
    draw = np.random.default_rng(one.seed)
    for kind, strength in one.changes:
        if kind == "thick_slices":
            scan = thicker(scan, _factor(strength, len(scan.levels)))
        elif kind == "part":
            scan = part(scan, 0.15 + 0.5 * strength, float(draw.random()))
        elif kind == "flip":
            scan = flipped(scan, int(draw.integers(3)))
        elif kind in CHANGES:
            scan = replace(scan, levels=changed(scan.levels, kind, strength, draw))
        else:
            raise ValueError(f"there is no change {kind!r}")
    return scan


def rows_of(
    context: Context, plan: Sequence[Planned], workers: int
) -> Iterator[tuple[Planned, dict[str, MeasuredRow]]]:
    """Each prediction's rows by lung mask, as they come."""
    return results(_rows, context, plan, workers, alone_seconds=0)


@dataclass(frozen=True)
class MadeMask:
    """A mask, and what it is a mask of.

    Attributes:
        scan: as the prediction's changes leave it. hu: its CT. own: the product's own lung mask.
        mask: of lesion. probabilities: what its network says of it. about: how it was made.
    """

    scan: Scan
    hu: Array
    own: Mask | None
    mask: Mask
    probabilities: MaskProbabilities | None
    about: MeasuredRow


def made_mask(context: Context, one: Planned) -> MadeMask:
    """The scan is changed, and segmented."""
    torch.set_num_threads(1)
    case = next(case for case in context.cases if case.name == one.source)
    scan = prepared(_scan(case), one)
    hu = hounsfield(scan)
    own = product_lung(hu, scan.spacing)
    about: MeasuredRow = {
        "made_from": one.source,
        "made_by": one.segmenter,
        "made_changes": "+".join(f"{kind}:{strength:g}" for kind, strength in one.changes) or "none",
    }
    if one.segmenter == PUBLISHED:
        mask, probabilities = _moved(_scan(case), one, read_published(case)), None
    elif one.segmenter == TRUTH:
        known = Known(hu, scan.expert_lung, scan.spacing)
        draw = np.random.default_rng([one.seed, len(one.damages)])
        mask, probabilities = damaged(scan.truth, known, dict(one.damages), draw), None
    else:
        mask, probabilities, networks = _segmented(context, one, scan, own)
        about |= networks
    return MadeMask(scan, hu, own, mask, probabilities, about)


def _rows(context: Context, one: Planned) -> dict[str, MeasuredRow]:
    """A prediction's rows: made and measured."""
    made = made_mask(context, one)
    whose = {"case": one.name, "patient": one.patient, "set": "train", SEGMENTER: one.segmenter}
    features = context.setup.features
    rows = _both_lungs(made.scan, made.hu, made.own, made.mask, made.probabilities, features)
    return {lung: {**whose, **row, **made.about} for lung, row in rows.items()}


def _segmented(
    context: Context, one: Planned, scan: Scan, own: Mask | None
) -> tuple[Mask, MaskProbabilities, MeasuredRow]:
    """The mask, what its network says of it, and which network that is."""
    recipe = next(recipe for recipe in context.setup.recipes if recipe.name == one.segmenter)
    network = (context.fold[one.patient] + (1 if one.seen else 0)) % context.setup.folds
    stage = recipe.stages[one.stage]
    made = context.masks.get(one.key)
    if made is None:
        predictor = _predictor(context.network_file(recipe, network), recipe, stage)
        made = mask_of(predictor.foreground(scan.levels, own), one.threshold)
        context.masks.put(one.key, made)
    about = {
        "made_fold": network,
        "made_stage": stage,
        "made_seen": int(one.seen),
        "made_threshold": one.threshold,
    }
    return *made, about


def _moved(scan: Scan, one: Planned, mask: Mask) -> Mask:
    """A mask of the scan, moved as the prediction's changes move the scan's own truth."""
    return prepared(replace(scan, truth=mask), one).truth


@lru_cache(maxsize=1)
def _scan(case: Listed) -> Scan:
    return read_scan(case)


@lru_cache(maxsize=16)
def _predictor(path: Path, recipe: NetworkRecipe, stage: int) -> Predictor:
    return Predictor(torch.load(path, weights_only=True)[stage], recipe.reduced, recipe.precision)


def _both_lungs(
    scan: Scan,
    hu: Array,
    own: Mask | None,
    mask: Mask,
    probabilities: MaskProbabilities | None,
    features: tuple[str, ...],
) -> dict[str, MeasuredRow]:
    rows = {}
    for name, lung in zip(LUNGS, (own, scan.expert_lung), strict=True):
        measures = measures_of(scan, hu, mask, lung, probabilities, features)
        rows[name] = {
            **row_of(scan, mask, lung, measures),
            "made_slices": len(scan.levels),
            "made_lung": "none" if lung is None else name,
            "made_lung_dice": None if lung is None else true_dice(lung, scan.expert_lung),
        }
    return rows


def _factor(strength: float, slices: int) -> int:
    """How many slices become one: 2 to 8, and at least six slices are left."""
    return max(1, min(2 + round(6 * strength), slices // 6))
