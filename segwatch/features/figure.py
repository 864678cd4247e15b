"""A picture of where each of the four features comes from, as in the paper's figure 2."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from segwatch.errors import BadInput
from segwatch.features.kernels.extent import voxels_per_slice
from segwatch.features.kernels.runs import Runs
from segwatch.features.measuring import Measures
from segwatch.features.registry import CATALOGUE, PAPER4
from segwatch.features.scene import Scene

WINDOW_HU = (-1350.0, 150.0)
"""The usual lung window: level −600, width 1500."""
INSIDE, OUTSIDE, NEXT, LUNG = "#2ec4b6", "#e63946", "#4895ef", "#ffd166"
COLOURS = (*"rgbcmy", "#ff9f1c", "#9d4edd", "#b5e48c", "#ff70a6")
"""Of components, one after another; neighbours in raster order differ."""
MARGIN_VOXELS = 12
"""Around lung and lesion: what lies farther out is not shown."""
SAYS = {
    "connected_components": "each component in a colour of its own; the slice with most of them",
    "intensity_mode": "the largest component where it is widest; its HU, and the Gaussian fitted to them",
    "segmentation_smoothness": "shared with the next slice (green), only here (red), only there (blue)",
    "lesions_within_lungs": "inside the lung (green), outside (red); the slice with most outside",
}


def check_path(path: Path) -> None:
    """Nothing, where a picture can be written to the path.

    Raises:
        BadInput: no picture's suffix, or no such folder.
    """
    formats = Figure().canvas.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in formats:
        raise BadInput(f"{path}: a picture is written as one of {', '.join(sorted(formats))}")
    if not path.parent.is_dir():
        raise BadInput(f"there is no folder {path.parent}")


def draw(scene: Scene, measures: Measures, path: Path) -> None:
    """Write the picture: four panels of slices, one a feature, and the other values beside them.

    Args:
        scene: with the whole CT, not only what lies near the lesion.
        measures: of that scene.
        path: of the picture; its suffix says the format.

    Raises:
        OSError: it cannot be written.
    """
    figure = Figure(figsize=(14, 10), layout="constrained")
    panels = figure.subplot_mosaic(
        [[*PAPER4[:2], "others"], [*PAPER4[2:], "others"]], width_ratios=(3, 3, 1.6)
    )
    for name, shown in zip(PAPER4, (_components, _intensity, _smoothness, _lung_share), strict=True):
        panel = panels[name]
        where = f" (slice {shown(panel, scene)})" if scene.lesion.runs.count else ""
        panel.set_title(_said(measures, name) + where, fontsize=11)
        panel.text(0.5, -0.02, SAYS[name], transform=panel.transAxes, ha="center", va="top", fontsize=8)
        panel.set_axis_off()
    _values(panels["others"], measures)
    figure.suptitle(
        f"{measures.status}; profile {measures.options.profile}; CT: {measures.ct_unit}; yellow: the lung"
    )
    figure.savefig(path, dpi=100)


def labelled_slice(runs: Runs, of_run: NDArray[np.int32], z: int) -> NDArray[np.int32]:
    """One slice (y, x) with each run's component counted from 1, and 0 elsewhere."""
    _, ny, nx = runs.shape
    labels = np.zeros((ny, nx), np.int32)
    for y in range(ny):
        for run in range(runs.row_start[z * ny + y], runs.row_start[z * ny + y + 1]):
            labels[y, runs.first[run] : int(runs.last[run]) + 1] = of_run[run] + 1
    return labels


def _components(panel: Any, scene: Scene) -> int:  # noqa: ANN401 - matplotlib's axes
    """The slice with most components, each in a colour of its own."""
    ny = scene.runs.shape[1]
    bounds = scene.runs.row_start[::ny]
    several = [len(np.unique(scene.components.of_run[a:b])) for a, b in pairwise(bounds)]
    z = int(np.argmax(several))
    _background(panel, scene, z)
    labels = labelled_slice(scene.runs, scene.components.of_run, z)
    _paint(panel, labels > 0, mpl.colors.to_rgba_array(COLOURS)[(labels - 1) % len(COLOURS)])
    return z


def _intensity(panel: Any, scene: Scene) -> int:  # noqa: ANN401
    """The largest component where it is widest, and its histogram with the fitted Gaussian's mean."""
    largest = scene.components.largest
    labels = [labelled_slice(scene.runs, scene.components.of_run, z) for z in range(scene.runs.shape[0])]
    z = int(np.argmax([np.count_nonzero(each == largest + 1) for each in labels]))
    _background(panel, scene, z)
    panel.contour(labels[z] == largest + 1, levels=[0.5], colors=[OUTSIDE], linewidths=1)
    if scene.ct_unit == "unknown":
        return z
    values = np.concatenate([scene.ct[at][each == largest + 1] for at, each in enumerate(labels)])
    mean, deviation = float(np.mean(values, dtype=np.float64)), float(np.std(values, dtype=np.float64))
    inset = panel.inset_axes((0.02, 0.02, 0.36, 0.26))
    inset.hist(values, bins=60, density=True, color="#9aa5b1")
    if deviation > 0:
        at = np.linspace(mean - 3 * deviation, mean + 3 * deviation, 200)
        height = np.exp(-(((at - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
        inset.plot(at, height, color="black", linewidth=1)
    inset.axvline(mean, color=OUTSIDE)
    inset.set_yticks([])
    inset.tick_params(axis="x", labelsize=7, direction="in", pad=-11)
    inset.text(0.97, 0.93, "HU", transform=inset.transAxes, ha="right", va="top", fontsize=7)
    return z


def _smoothness(panel: Any, scene: Scene) -> int:  # noqa: ANN401
    """The two neighbouring slices that differ most: what both hold, and what only one does."""
    per_slice = voxels_per_slice(scene.runs)
    mask = scene.lesion.array != 0
    change = [
        int(np.count_nonzero(mask[z] != mask[z + 1])) if per_slice[z] and per_slice[z + 1] else -1
        for z in range(len(per_slice) - 1)
    ]
    z = int(np.argmax(change)) if change and max(change) >= 0 else int(np.argmax(per_slice))
    _background(panel, scene, z)
    after = mask[min(z + 1, len(mask) - 1)]
    for part, colour in ((mask[z] & after, INSIDE), (mask[z] & ~after, OUTSIDE), (after & ~mask[z], NEXT)):
        _paint(panel, part, colour)
    return z


def _lung_share(panel: Any, scene: Scene) -> int:  # noqa: ANN401
    """The slice with most lesion outside the lung, else with most lesion."""
    lesion = scene.lesion.array != 0
    inside = lesion if scene.given_lung is None else lesion & (scene.given_lung.array != 0)
    out = (lesion & ~inside).sum(axis=(1, 2))
    z = int(np.argmax(out if out.any() else voxels_per_slice(scene.runs)))
    _background(panel, scene, z)
    _paint(panel, inside[z], INSIDE)
    _paint(panel, lesion[z] & ~inside[z], OUTSIDE)
    return z


def _background(panel: Any, scene: Scene, z: int) -> None:  # noqa: ANN401
    """The CT in the lung window (its own range, where it is not in HU), and the lung's outline."""
    known = scene.ct_unit != "unknown"
    low, high = WINDOW_HU if known else (float(scene.ct[z].min()), float(scene.ct[z].max()))
    aspect = scene.spacing[1] / scene.spacing[2]
    panel.imshow(scene.ct[z], cmap="gray", vmin=low, vmax=high, aspect=aspect)
    if scene.given_lung is not None and scene.given_lung.array[z].any():
        panel.contour(scene.given_lung.array[z] != 0, levels=[0.5], colors=[LUNG], linewidths=0.8)
    top, bottom, left, right = _shown(scene)
    panel.set_xlim(left, right)
    panel.set_ylim(bottom, top)


def _shown(scene: Scene) -> tuple[float, float, float, float]:
    """Top, bottom, left and right of what all panels show: lung and lesion, and a margin."""
    seen = (scene.lesion.array != 0).any(axis=0)
    if scene.given_lung is not None:
        seen |= (scene.given_lung.array != 0).any(axis=0)
    ends = []
    for along in (1, 0):
        places, size = np.flatnonzero(seen.any(axis=along)), seen.shape[1 - along]
        ends += [max(0, places[0] - MARGIN_VOXELS), min(size, places[-1] + 1 + MARGIN_VOXELS)]
    top, bottom, left, right = (float(end) - 0.5 for end in ends)
    return top, bottom, left, right


def _paint(panel: Any, where: NDArray[np.bool_], colour: Any) -> None:  # noqa: ANN401
    image = np.zeros((*where.shape, 4))
    image[:] = mpl.colors.to_rgba_array(colour)[0] if isinstance(colour, str) else colour
    image[..., 3] = 0.55 * where
    panel.imshow(image, aspect=panel.get_aspect())


def _said(measures: Measures, name: str) -> str:
    value = measures.features.get(name)
    if value is not None:
        return f"{name}\n{value:.4g} {CATALOGUE[name].card.unit.replace('1', '').strip()}"
    return f"{name}\n{measures.undefined.get(name, 'not asked for').partition(':')[0]}"


def _values(panel: Any, measures: Measures) -> None:  # noqa: ANN401
    """The other features' values, as text."""
    others = [_said(measures, name).replace("\n", "  ") for name in measures.features if name not in PAPER4]
    panel.text(0, 1, "\n\n".join(others), va="top", fontsize=8, family="monospace")
    panel.set_axis_off()
