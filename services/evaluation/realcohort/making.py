"""Goes through a plan: trains, predicts, measures, and writes the tables. Can be stopped and started again.

```
OUT/covid20.parquet                 the cohort, measured with the product's own lung mask
OUT/covid20-expert-lung.parquet     the same masks measured with the expert's lung mask
OUT/external.parquet                the published predictions, own lung
OUT/external-expert-lung.parquet    and the expert's
OUT/covid20-made.parquet            how each row of the cohort was made: scan, segmenter, stage, changes
OUT/.work/                          networks, and rows as they come: what a second start goes on from
```
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from services.contracts.identity import digest_of
from services.contracts.studies import MaskProbabilities
from services.evaluation.demo_cohort import true_dice
from services.evaluation.realcohort.changes import CHANGES, changed, flipped, part, thicker
from services.evaluation.realcohort.covid20 import Listed, Scan, read_published, read_scan
from services.evaluation.realcohort.masks import MaskFolder
from services.evaluation.realcohort.measured import Row, hounsfield, measures_of, own_lung, row_of
from services.evaluation.realcohort.plan import Planned
from services.evaluation.realcohort.predict import Predictor, mask_of
from services.evaluation.realcohort.training import Planes, Recipe, State, folds_of, planes_of, train
from services.volumes.image import Array, Mask

LUNGS = ("own", "expert")


@dataclass(frozen=True)
class Setup:
    """All that decides what the tables hold.

    Attributes:
        recipes: the segmenters.
        folds: into how many the patients are split for training them.
        features: measured of every mask.
        seed: of the split.
    """

    recipes: tuple[Recipe, ...]
    folds: int
    features: tuple[str, ...]
    seed: int = 0


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


def made_from(recipe: Recipe, setup: Setup, cases: Sequence[Listed]) -> str:
    """The digest of all that decides a recipe's networks."""
    files = [(case.name, case.patient, (case.folder / "ct.nii.gz").stat().st_size) for case in cases]
    return digest_of([asdict(recipe), setup.folds, setup.seed, files])[:12]


def networks(
    setup: Setup, cases: Sequence[Listed], kept: Path, stepped: Callable[[], None]
) -> Mapping[tuple[str, int], dict[int, State]]:
    """The weights of each recipe and fold at each stage; those that lie in `kept` are not trained again.

    A fold's network learns from the patients of all other folds.
    """
    kept.mkdir(parents=True, exist_ok=True)
    fold = folds_of([case.patient for case in cases], setup.folds, setup.seed)
    found: dict[tuple[str, int], dict[int, State]] = {}
    for recipe in setup.recipes:
        for number in range(setup.folds):
            path = kept / f"{recipe.name}-{made_from(recipe, setup, cases)}-{number}.pt"
            if path.is_file():
                found[recipe.name, number] = torch.load(path, weights_only=True)
                for _ in range(recipe.stages[-1]):
                    stepped()
                continue
            learnt = [case for case in cases if fold[case.patient] != number]
            states = train(recipe, _by_patient(learnt, recipe.reduced), stepped)
            _save(path, states)
            found[recipe.name, number] = states
    return found


def rows_of(
    setup: Setup,
    cases: Sequence[Listed],
    plan: Sequence[Planned],
    states: Mapping[tuple[str, int], dict[int, State]],
    masks: MaskFolder,
    known: Mapping[str, object],
) -> Iterator[tuple[str, dict[str, Row]]]:
    """For each prediction that is not known yet its name, and its rows by lung mask."""
    folders = {case.name: case for case in cases}
    fold = folds_of([case.patient for case in cases], setup.folds, setup.seed)
    recipes = {recipe.name: recipe for recipe in setup.recipes}

    @lru_cache(maxsize=1)
    def scan_of(name: str) -> Scan:
        return read_scan(folders[name])

    @lru_cache(maxsize=len(recipes[plan[0].segmenter].stages) * len(recipes))
    def predictor_of(segmenter: str, fold: int, stage: int) -> Predictor:
        recipe = recipes[segmenter]
        return Predictor(states[segmenter, fold][recipe.stages[stage]], recipe.reduced)

    for one in plan:
        if one.key in known:
            continue
        scan = prepared(scan_of(one.source), one)
        hu = hounsfield(scan)
        own = own_lung(hu, scan.spacing)
        network = (fold[one.patient] + (1 if one.seen else 0)) % setup.folds
        made = masks.get(one.key)
        if made is None:
            foreground = predictor_of(one.segmenter, network, one.stage).foreground(scan.levels, own)
            made = mask_of(foreground, one.threshold)
            masks.put(one.key, made)
        about = {
            "made_from": one.source,
            "made_by": one.segmenter,
            "made_fold": network,
            "made_stage": recipes[one.segmenter].stages[one.stage],
            "made_seen": int(one.seen),
            "made_changes": "+".join(f"{kind}:{strength:g}" for kind, strength in one.changes) or "none",
            "made_threshold": one.threshold,
        }
        whose = {"case": one.name, "patient": one.patient, "set": "train"}
        rows = _both_lungs(scan, hu, own, *made, setup.features)
        yield one.key, {lung: {**whose, **row, **about} for lung, row in rows.items()}


def published_rows(
    setup: Setup, cases: Sequence[Listed], known: Mapping[str, object]
) -> Iterator[tuple[str, dict[str, Row]]]:
    """The same for the published predictions, which come without probabilities."""
    for case in cases:
        if case.name in known or (mask := read_published(case)) is None:
            continue
        scan = read_scan(case)
        about = {"made_from": case.name, "made_by": "published", "made_changes": "none"}
        whose = {"case": case.name, "patient": case.patient, "set": "external"}
        hu = hounsfield(scan)
        rows = _both_lungs(scan, hu, own_lung(hu, scan.spacing), mask, None, setup.features)
        yield case.name, {lung: {**whose, **row, **about} for lung, row in rows.items()}


def _both_lungs(
    scan: Scan,
    hu: Array,
    own: Mask | None,
    mask: Mask,
    probabilities: MaskProbabilities | None,
    features: tuple[str, ...],
) -> dict[str, Row]:
    rows = {}
    for name, lung in zip(LUNGS, (own, scan.expert_lung), strict=True):
        measures = measures_of(scan, hu, mask, lung, probabilities, features)
        rows[name] = {
            **row_of(scan, mask, measures),
            "made_slices": len(scan.levels),
            "made_lung": "none" if lung is None else name,
            "made_lung_dice": None if lung is None else true_dice(lung, scan.expert_lung),
        }
    return rows


def _factor(strength: float, slices: int) -> int:
    """How many slices become one: 2 to 8, and at least six slices are left."""
    return max(1, min(2 + round(6 * strength), slices // 6))


def _by_patient(cases: Sequence[Listed], reduced: int) -> list[list[Planes]]:
    """Each patient's scans as planes."""
    planes: dict[str, list[Planes]] = {}
    for case in cases:
        scan = read_scan(case)
        lung = own_lung(hounsfield(scan), scan.spacing)
        planes.setdefault(case.patient, []).append(planes_of(scan.levels, scan.truth, lung, reduced))
    return list(planes.values())


def _save(path: Path, states: dict[int, State]) -> None:
    buffer = io.BytesIO()
    torch.save(states, buffer)
    beside = path.with_suffix(".part")
    beside.write_bytes(buffer.getvalue())
    beside.replace(path)
