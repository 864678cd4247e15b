"""Makes the masks that recipes name, and measures them: a row each, in several processes."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.cohorts.columns import TRUTH_SHARE
from segwatch.cohorts.damages import Known, damaged
from segwatch.cohorts.demo_cohort import true_dice
from segwatch.cohorts.lungs import Lungs, maker
from segwatch.cohorts.scanner_changes import HuScan, scanned_otherwise
from segwatch.contracts.base import Geometry, ModelIdentity
from segwatch.contracts.identity import digest_of
from segwatch.contracts.studies import CtUnit
from segwatch.errors import BadInput, RefusedCohort, Unprocessable
from segwatch.features.lesion_share import share_of_lung
from segwatch.features.measuring import measure_scene
from segwatch.features.on_grid import mask_on_grid, scene_on_grid
from segwatch.features.registry import CATALOGUE, versions_of
from segwatch.features.scene import Scene
from segwatch.files import size_and_time
from segwatch.onboarding.nnunet_layout import ValidatedCase
from segwatch.onboarding.opened_case import OpenedCase, open_case, predicted_by
from segwatch.onboarding.recipes import MaskRecipe
from segwatch.processes import results
from segwatch.volumes.hounsfield import AskedUnit
from segwatch.volumes.image import Array, Mask, Volume

Row = dict[str, Any]
SECONDS = ("compiling", "opening", "loading", "making")
"""What a row says of the time that it took."""
VERSION = 1
"""Goes up when what is made here changes."""


@dataclass(frozen=True)
class Making:
    """What every process needs to know.

    Attributes:
        cases: by title. patients: by a case's name.
        labels: values that are lesion.
        results: the trainer's folder. checkpoints: by fold the sha256 of its network.
        reader: nnU-Net's, by name.
        lungs: where lung masks come from. features: what is measured.
        device: torch's. mirroring: as `LesionModel` takes it.
    """

    cases: Mapping[str, ValidatedCase]
    patients: Mapping[str, str]
    labels: tuple[int, ...]
    results: Path | None
    checkpoints: Mapping[str, str]
    reader: str
    unit: AskedUnit
    lungs: Lungs
    features: tuple[str, ...]
    device: str
    mirroring: bool

    def key(self, recipe: MaskRecipe) -> str:
        """Of all that a recipe's row is made from."""
        case = self.cases[recipe.case]
        paths = [case.ct, case.truth, case.predicted, lung_file(self, case)]
        files = [(str(path), *size_and_time(path)) for path in paths if path is not None and path.is_file()]
        network = (
            (self.checkpoints[case.fold], self.mirroring, self.reader) if recipe.origin == "network" else ()
        )
        of = (
            recipe.key,
            self.patients[case.name],
            files,
            network,
            self.labels,
            self.unit,
            asdict(self.lungs),
        )
        return digest_of([VERSION, *of, versions_of(self.features)])


@dataclass(frozen=True)
class MadeMask:
    """A mask on its scan: arrays (z, y, x), spacing in mm."""

    hu: Array
    mask: Mask
    truth: Mask
    lung: Mask | None
    spacing: tuple[float, float, float]
    opened: OpenedCase

    @property
    def truth_share(self) -> float | None:
        """How much of the lung is lesion by the truth; None where there is no lung."""
        return None if self.lung is None else share_of_lung(mask_on_grid(self.truth), mask_on_grid(self.lung))

    @property
    def scene(self) -> Scene:
        """What is measured."""
        return scene_on_grid(self.hu, self.mask, self.lung, self.spacing, self.opened.unit)


def rows_of(making: Making, recipes: Sequence[MaskRecipe], workers: int) -> Iterator[tuple[MaskRecipe, Row]]:
    """Each recipe's row, as they come: those of a case one after another, so that it is opened once.

    Raises:
        BadInput: a process was killed; what is finished stays for the next start.
    """
    folds = {title: case.fold for title, case in making.cases.items()}
    ordered = sorted(recipes, key=lambda recipe: (folds[recipe.case], recipe.case, recipe.name))
    try:
        yield from results(row_of, making, ordered, workers, alone_seconds=0)
    except BrokenProcessPool:
        raise BadInput(
            "a process was killed: too little memory for so many at a time? Start again with --workers 1; "
            "what is finished is not made again"
        ) from None


def row_of(making: Making, recipe: MaskRecipe) -> Row:
    """The recipe's row; what is wrong with its case stands there instead of its measures."""
    case = making.cases[recipe.case]
    row: Row = {"case": recipe.name, "patient": making.patients[case.name], "set": "train"}
    started = time.monotonic()
    _compiled(making.features)
    began = time.monotonic()
    try:
        _opened(making, recipe.case)
        opened = time.monotonic()
        if recipe.origin == "network":
            network_of(making, case.fold)
        loaded = time.monotonic()
        made = made_mask(making, recipe)
        measures = measure_scene(made.scene, [CATALOGUE[name] for name in making.features])
        row |= {"dice": true_dice(made.mask, made.truth), TRUTH_SHARE: made.truth_share}
        if recipe.origin == "network" and not recipe.changes and made.opened.predicted is not None:
            row["agreement"] = true_dice(made.mask, made.opened.predicted)
    except (Unprocessable, RefusedCohort, OSError) as error:
        return {**row, "refused": getattr(error, "kind", type(error).__name__), "reason": str(error)}
    row |= {**measures.features, "status": measures.status, "undefined": json.dumps(measures.undefined)}
    times = (started, began, opened, loaded, time.monotonic())
    return row | dict(zip(SECONDS, (end - begin for begin, end in pairwise(times)), strict=True))


def made_mask(making: Making, recipe: MaskRecipe) -> MadeMask:
    """The recipe's mask.

    Raises:
        Unprocessable: the case cannot be opened or segmented, or the truth to be damaged is empty.
    """
    case, opened = making.cases[recipe.case], _opened(making, recipe.case)
    draw = np.random.default_rng(recipe.seed)
    before = HuScan(opened.hu, opened.truth, opened.lung, opened.spacing)
    scan = scanned_otherwise(before, dict(recipe.changes), draw)
    lung = scan.lung
    if recipe.changes and making.lungs.made != "none":
        lung = _lung(making, scan.hu, scan.spacing, opened.unit)
    mask = _mask(making, recipe, case, opened, scan)
    if recipe.damages:
        if not mask.any():
            raise Unprocessable("the mask that was to be damaged is empty", kind="empty_mask")
        nowhere = np.zeros(scan.hu.shape, np.bool_)
        known = Known(scan.hu, nowhere if lung is None else lung, scan.spacing)
        mask = damaged(mask, known, dict(recipe.damages), draw)
    return MadeMask(scan.hu, mask, scan.truth, lung, scan.spacing, opened)


def lung_file(making: Making, case: ValidatedCase) -> Path | None:
    """The file of a case's lung mask, where a folder of them was named."""
    return Path(making.lungs.given) / f"{case.name}.nii.gz" if making.lungs.given else None


@cache
def _compiled(features: tuple[str, ...]) -> None:
    """Once a process: what is compiled, or loaded, at the first measuring takes no part of a row's time."""
    draw = np.random.default_rng(0)
    hu = draw.integers(-1000, 100, (8, 24, 24)).astype(np.int16)
    lung = np.zeros(hu.shape, np.bool_)
    lung[1:7, 3:21, 3:21] = True
    lesion = lung & (draw.random(hu.shape) < 0.3)
    scene = scene_on_grid(hu, lesion, lung, (5.0, 10.0, 10.0), "hu")
    measure_scene(scene, [CATALOGUE[name] for name in features])


@lru_cache(maxsize=2)
def _cached_network(
    folder: Path, fold: str, sha256: str, device: str, mirroring: bool, labels: tuple[int, ...]
) -> Any:  # noqa: ANN401 - a LesionModel, whose room needs torch
    from segwatch.segmentation.bundle import Bundle
    from segwatch.segmentation.lesion import LesionModel

    bundle = Bundle(folder, ModelIdentity(name=f"fold-{fold}", sha256=sha256), (fold,))
    return LesionModel(bundle, device=device, mirroring=mirroring, labels=labels)


def network_of(making: Making, fold: str) -> Any:  # noqa: ANN401 - as above
    """A fold's network, loaded once a process.

    Raises:
        RefusedModel: nnU-Net cannot load it.
    """
    if making.results is None:
        raise ValueError("there are no networks")
    sha256 = making.checkpoints[fold]
    return _cached_network(making.results, fold, sha256, making.device, making.mirroring, making.labels)


def _mask(making: Making, recipe: MaskRecipe, case: ValidatedCase, opened: OpenedCase, scan: HuScan) -> Mask:
    if recipe.origin == "truth":
        return scan.truth
    if recipe.origin == "network":
        network = network_of(making, case.fold)
        return predicted_by(network, scan.hu, scan.spacing, opened.unit, opened.turning, making.reader)
    if opened.predicted is None:
        raise Unprocessable(f"{case.title} has no mask in a file", kind="no_mask")
    return opened.predicted


def _lung(making: Making, hu: Array, spacing: tuple[float, float, float], unit: CtUnit) -> Mask | None:
    """Made from the scan, as segmentation makes it."""
    z, y, x = hu.shape
    geometry = Geometry(
        shape_zyx=(z, y, x),
        spacing_zyx_mm=spacing,
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    make = maker(making.lungs)
    return None if make is None else make(Volume(hu, geometry), unit)


_last: dict[str, OpenedCase] = {}
"""The case that was opened last, by its title: a process goes from case to case."""


def _opened(making: Making, title: str) -> OpenedCase:
    if title not in _last:
        _last.clear()
        case = making.cases[title]
        opened = open_case(case, making.labels, making.unit, lung_file(making, case))
        if making.lungs.made != "none":
            opened = replace(opened, lung=_lung(making, opened.hu, opened.spacing, opened.unit))
        _last[title] = opened
    return _last[title]
