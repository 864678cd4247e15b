"""Measuring files: a CT, its lesion mask, and its lung mask if there is one.

NIfTI files are streamed: the grid's voxels are taken as the file is inflated, the CT only near the lesion,
and memory does not grow with the number of slices. What cannot be streamed (DICOM, slices that are not
axial, `native`, what a lung mask or a second opinion is still to be made of) is read as a whole and measured
all the same.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.contracts.studies import CtUnit, SecondOpinion
from segwatch.features import inputs
from segwatch.features.card import Feature
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.runs import Runs, encode_runs, stacked
from segwatch.features.kernels.sampling import count_inside
from segwatch.features.lesion_share import share_of_lung
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.near import boxes_near, margin_voxels
from segwatch.features.profiles import FeatureOptions
from segwatch.features.registry import CATALOGUE, MEASURED
from segwatch.features.scene import NativeMask, Scene
from segwatch.volumes.ahead import read_ahead
from segwatch.volumes.grid import GRID, Shape, grid_geometry, resample_ct, resample_mask
from segwatch.volumes.hounsfield import AskedUnit, in_hounsfield
from segwatch.volumes.image import Mask, Volume
from segwatch.volumes.read import read_ct, read_mask
from segwatch.volumes.sampled import sample_ct, sample_mask, source_geometry, streamable

MakeLung = Callable[[Volume, CtUnit], Mask | None]
"""Makes the lung mask of a CT in HU, as it was scanned; None where it finds no lung."""
GiveOpinion = Callable[[Volume, CtUnit, Mask, Mask | None], SecondOpinion | None]
"""Compares a CT's lesion mask with another model's, given the lung mask; None where that says nothing."""


@dataclass(frozen=True)
class Request:
    """What is to be measured, and how.

    Attributes:
        ct, lesion, lung: NIfTI files; the CT may be a DICOM file or folder; the lung mask may be missing.
        native: measure the arrays as they are, without resampling or rounding.
        ct_unit: what the CT's values are.
        features: names from the catalogue.
        whole: whether files are read to their last checksum.
        make_lung: makes the lung mask where there is no file of it.
        give_opinion: makes the second opinion.
    """

    ct: Path
    lesion: Path
    lung: Path | None = None
    native: bool = False
    options: FeatureOptions = field(default_factory=FeatureOptions)
    ct_unit: AskedUnit = "auto"
    features: Sequence[str] = MEASURED
    whole: bool = True
    make_lung: MakeLung | None = None
    give_opinion: GiveOpinion | None = None

    @property
    def wanted(self) -> list[Feature]:
        """The features themselves."""
        return [CATALOGUE[name] for name in self.features]


def measure_files(request: Request) -> Measures:
    """The measures of a case.

    Raises:
        RefusedVolume: a file is damaged, or cannot be measured soundly; the message names it.
        OSError: a file cannot be read at all.
    """
    return measure_scene(scene_of_files(request), request.wanted)


def scene_of_files(request: Request, *, streamed: bool = True) -> Scene:
    """What the features are measured on; raises as `measure_files` does.

    Args:
        request: which files.
        streamed: whether the CT may be missing (0) where no feature looks.
    """
    paths = [path for path in (request.ct, request.lesion, request.lung) if path is not None]
    made = request.lung is None and request.make_lung is not None
    whole = request.native or made or request.give_opinion is not None
    if streamed and not whole and streamable(paths):
        return _streamed(request)
    return _read(request)


def dice_of_files(one: Path, other: Path) -> float | None:
    """The Dice of two masks on the same voxels, as they are; None where both are empty.

    Raises:
        RefusedVolume: as reading them does, and where they do not lie on the same voxels.
    """
    if streamable([one, other]):
        source = source_geometry(one)
        first, second = (_native_runs(path, source) for path in (one, other))
    else:
        mask = read_mask(one, read_ct(one).geometry)
        first = _binary(mask.array).runs
        second = _binary(read_mask(other, mask.geometry).array).runs
    filled = first.voxels + second.voxels
    return 2 * count_inside(BinaryMask(runs=first), second) / filled if filled else None


def truth_share_of_files(scene: Scene, request: Request, truth: Path) -> float | None:
    """The share of the lung that the truth says is lesion, on the scene's grid and against its lung mask, as
    `lesion_share_of_lung` is the mask's; None where there is no lung.

    Raises:
        RefusedVolume: as reading it does, and where it does not lie on the mask's voxels.
    """
    if scene.given_lung is None:
        return None
    shape = scene.ct.shape
    if streamable([request.lesion, truth]):
        lesion = _binary(sample_mask(truth, source_geometry(request.lesion), shape, whole=request.whole))
    else:
        lesion = _on(read_mask(truth, read_ct(request.ct).geometry).array, shape)
    return share_of_lung(lesion, scene.given_lung)


def target_shape(source: Shape, options: FeatureOptions) -> Shape:
    """The grid's shape; the authors' code never enlarges an axis."""
    if options.profile == "paper":
        return GRID
    z, y, x = (min(size, count) for size, count in zip(source, GRID, strict=True))
    return z, y, x


class _SeenSlices:
    """The runs of a mask that is shown slice by slice, in whatever order."""

    def __init__(self) -> None:
        self._slices: dict[int, Runs] = {}

    def see(self, z: int, mask: Mask) -> None:
        self._slices[z] = encode_runs(np.ascontiguousarray(mask).view(np.uint8)[None])

    @property
    def runs(self) -> Runs:
        return stacked([self._slices[z] for z in sorted(self._slices)])


def _native_runs(path: Path, like: Geometry) -> Runs:
    seen = _SeenSlices()
    sample_mask(path, like, (1, 1, 1), seen.see)
    return seen.runs


def _streamed(request: Request) -> Scene:
    seen = _SeenSlices()
    with (
        read_ahead(request.ct, whole=request.whole) as slices,
        ThreadPoolExecutor(max_workers=1) as beside,  # inflating runs without the interpreter's lock
    ):
        source = slices.geometry
        shape = target_shape(source.shape_zyx, request.options)
        grid = grid_geometry(source, shape)
        costs = {each.card.cost for each in request.wanted}
        see = None if costs <= {"core", "given"} else seen.see
        lesion = _binary(sample_mask(request.lesion, source, shape, see, whole=request.whole))
        native = None if see is None else seen.runs
        if native is None and lesion.runs.count == 0:  # resampling may have lost it
            native = _native_runs(request.lesion, source)
        if request.lung is not None:  # begun only now: nothing waits for it, but the CT waits for the lesion
            lung = beside.submit(sample_mask, request.lung, source, shape, whole=request.whole)
        boxes = boxes_near(lesion.runs, margin_voxels(costs, grid.spacing_zyx_mm))
        ct = sample_ct(slices, boxes, shape, request.ct_unit)
    return Scene(
        ct=ct.array,
        lesion=lesion,
        given_lung=None if request.lung is None else _binary(lung.result()),
        spacing=grid.spacing_zyx_mm,
        ct_unit=inputs.unit_from(ct.lowest) if request.ct_unit == "auto" else request.ct_unit,
        options=request.options,
        given_native=None if native is None else NativeMask(BinaryMask(runs=native), source.spacing_zyx_mm),
    )


def _read(request: Request) -> Scene:
    ct = read_ct(request.ct)
    unit = inputs.known_unit(request.ct_unit, ct.array)
    values = in_hounsfield(ct.array, "display", request.ct.name)[0] if unit == "display" else ct.array
    lesion = read_mask(request.lesion, ct.geometry)
    volume = Volume(values, ct.geometry)
    lung = _lung(request, volume, unit)
    give = request.give_opinion
    opinion = None if give is None else give(volume, unit, lesion.array, lung)
    geometry = ct.geometry
    if not request.native:
        shape = target_shape(geometry.shape_zyx, request.options)
        geometry, values = grid_geometry(geometry, shape), resample_ct(values, shape)
    return Scene(
        ct=values,
        lesion=_on(lesion.array, geometry.shape_zyx),
        given_lung=None if lung is None else _on(lung, geometry.shape_zyx),
        spacing=geometry.spacing_zyx_mm,
        ct_unit=unit,
        options=request.options,
        given_native=NativeMask(_binary(lesion.array), lesion.geometry.spacing_zyx_mm),
        given_opinion=opinion,
    )


def _lung(request: Request, ct: Volume, unit: CtUnit) -> Mask | None:
    if request.lung is not None:
        return read_mask(request.lung, ct.geometry).array
    return request.make_lung(ct, unit) if request.make_lung is not None else None


def _on(mask: Mask, shape: Shape) -> BinaryMask:
    return _binary(mask if mask.shape == shape else resample_mask(mask, shape))


def _binary(mask: Mask) -> BinaryMask:
    return BinaryMask(mask.view(np.uint8))
