"""What the network reads of each scan, plain and changed, and of phantoms: examples come from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from research.covid20_cohort.changes import CHANGES, changed
from research.covid20_cohort.covid20 import Listed, Scan, read_scan
from research.covid20_cohort.measured_row import hounsfield, product_lung
from segwatch.files import Arrays
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS, STANDARD
from segwatch.segmentation.opinion_grid import LungView, lung_view, opinion_grid
from segwatch.segmentation.segmenter import lung_without_model
from segwatch.volumes.image import Array, Mask

PLAIN = "plain"
MILDNESS = 1.5
"""A strength is a share to this power."""
THICK_MM = (2.5, 9.0)
"""Slabs of changed scans: from thinner to thicker than what the product takes."""
EXPERT_SHARE = 0.25
"""Of changed scans with the expert's lung: a hospital's lung mask may be better than the product's own."""
_FIRST_SEED = 3_000_000
"""Far from the seeds of phantoms that anything else uses."""


@dataclass(frozen=True)
class LabelledView:
    """One scan as the network reads it, and the truth on the same grid (z, y, x)."""

    view: LungView
    truth: Mask


def labelled_view(
    ct: Array, lung: Mask | None, truth: Mask, spacing: tuple[float, float, float], slab: int | None = None
) -> LabelledView | None:
    """The view of a CT in HU; None where no lung is found."""
    if lung is None or not lung.any():
        return None
    grid = opinion_grid(lung, spacing, slab)
    view = lung_view(ct, lung, grid)
    if view is None:
        return None
    return LabelledView(view, grid.majority(truth)[(slice(None), *grid.box)])


def scan_views(case: Listed, seed: int) -> dict[str, LabelledView]:
    """The scan as it is (`plain`), and changed in each kind of way, by kind; none where no lung is found."""
    scan = read_scan(case)
    hu = hounsfield(scan)
    found = {PLAIN: labelled_view(hu, product_lung(hu, scan.spacing), scan.truth, scan.spacing)}
    for number, kind in enumerate(CHANGES):
        found[kind] = _changed_view(
            scan, kind, np.random.default_rng([seed, number, sum(case.name.encode())])
        )
    return {kind: view for kind, view in found.items() if view is not None}


def _changed_view(scan: Scan, kind: str, draw: Generator) -> LabelledView | None:
    strength = float(draw.random()) ** MILDNESS
    scan = replace(scan, levels=changed(scan.levels, kind, strength, draw))
    slab = max(1, round(float(draw.uniform(*THICK_MM)) / scan.spacing[0]))
    first = int(draw.integers(slab)) if len(scan.levels) > 3 * slab else 0
    hu = hounsfield(scan)
    lung = scan.expert_lung if draw.random() < EXPERT_SHARE else product_lung(hu, scan.spacing)
    if lung is None:
        return None
    return labelled_view(hu[first:], lung[first:], scan.truth[first:], scan.spacing, slab)


def phantom_views(count: int) -> dict[str, LabelledView]:
    """Phantoms in HU, of every scanner in turn but `contrast` and `thick`, which evidence tries."""
    learnt = [name for name in SCANNERS if name not in ("contrast", "thick")]
    found: dict[str, LabelledView] = {}
    for number in range(count):
        made = make_phantom(_FIRST_SEED + number, SCANNERS.get(learnt[number % len(learnt)], STANDARD))
        spacing = made.geometry.spacing_zyx_mm
        lung = made.lung if number % 2 else lung_without_model(made.ct, "hu", spacing)
        view = labelled_view(made.ct, lung, made.lesion, spacing)
        if view is not None:
            found[f"phantom{number}"] = view
    return found


def packed(views: Mapping[str, LabelledView]) -> Arrays:
    """Views by name, as named arrays."""
    found: dict[str, NDArray[Any]] = {}
    for name, each in views.items():
        view = each.view
        parts = (view.rank.astype(np.float16), view.distance.astype(np.float16), view.lung, each.truth)
        found |= {f"{name} {part}": array for part, array in zip(_PARTS, parts, strict=True)}
    return found


def unpacked(arrays: Arrays) -> dict[str, LabelledView]:
    """The views that were packed."""
    found: dict[str, LabelledView] = {}
    for name in dict.fromkeys(key.split()[0] for key in arrays):
        rank, distance, lung, truth = (arrays[f"{name} {part}"] for part in _PARTS)
        view = LungView(rank.astype(np.float32), distance.astype(np.float32), lung)
        found[name] = LabelledView(view, truth)
    return found


_PARTS = ("rank", "distance", "lung", "truth")
