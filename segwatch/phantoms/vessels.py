"""Branching tubes in the lungs: arteries and veins from the hilum outwards, and the large airways."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.phantoms.anatomy import Outlines
from segwatch.phantoms.space import EXTENT_ZYX_MM, Array, Space

Point = NDArray[np.float64]
_TWIGS = 170
_FINEST_MM, _WIDEST_MM = 1.15, 5.5


@dataclass(frozen=True, slots=True)
class Tube:
    """A straight piece of a vessel: ends in mm as (z, y, x), and its radius."""

    start: Point
    end: Point
    radius: float


def draw_vessels(space: Space, lines: Outlines, rng: np.random.Generator) -> Array:
    """How much of each voxel is vessel (0 to 1)."""
    cover = np.zeros(space.shape, np.float32)
    lungs = lines.lungs < -2
    for side in (-1, 1):
        for tube in _tree(space, lungs & (side * space.x > 0), side, rng):
            _draw(cover, space, tube)
    return cover


def draw_airways(space: Space, lines: Outlines) -> Array:
    """How much of each voxel is air in the trachea and the main bronchi."""
    cover = np.zeros(space.shape, np.float32)
    fork = np.array([0.6 * EXTENT_ZYX_MM[0], 0.02 * lines.half_depth, 0.0])
    top = fork + np.array([0.5 * EXTENT_ZYX_MM[0], -8, 0])
    _draw(cover, space, Tube(fork, top, 8.0))
    for side in (-1, 1):
        root = fork + np.array([-18, 6, side * 34])
        _draw(cover, space, Tube(fork, root, 5.5))
        _draw(cover, space, Tube(root, root + np.array([-22, 12, side * 14]), 3.2))
    return cover


def _tree(space: Space, lung: NDArray[np.bool_], side: int, rng: np.random.Generator) -> Iterator[Tube]:
    """A tree that reaches points spread over the lung: each hangs on the nearest point nearer the hilum."""
    places = np.argwhere(lung)
    if len(places) == 0:
        return
    twigs = (places[rng.integers(0, len(places), _TWIGS)] + rng.uniform(0, 1, (_TWIGS, 3))) * space.spacing
    twigs -= [0, EXTENT_ZYX_MM[1] / 2, EXTENT_ZYX_MM[2] / 2]
    hilum = np.array([0.5 * EXTENT_ZYX_MM[0], 4.0, side * 34.0])
    nodes = np.vstack([hilum, twigs[np.argsort(np.linalg.norm(twigs - hilum, axis=1))]])
    parents = _parents(nodes)
    load = np.ones(len(nodes))
    for child in range(len(nodes) - 1, 0, -1):
        load[parents[child]] += load[child]
    radii = np.clip(0.95 * load**0.36, _FINEST_MM, _WIDEST_MM)
    for child in range(1, len(nodes)):
        yield from _bent(nodes[parents[child]], nodes[child], float(radii[child]), rng)


def _parents(nodes: Point) -> NDArray[np.int64]:
    reach = np.linalg.norm(nodes - nodes[0], axis=1)
    parents = np.zeros(len(nodes), np.int64)
    for child in range(1, len(nodes)):
        apart = np.linalg.norm(nodes[:child] - nodes[child], axis=1)
        detour = apart + 0.55 * reach[:child]  # neither a comb from the hilum nor a chain of neighbours
        parents[child] = int(np.argmin(detour))
    return parents


def _bent(start: Point, end: Point, radius: float, rng: np.random.Generator) -> Iterator[Tube]:
    """Two pieces with a slight bend: no vessel is straight."""
    length = float(np.linalg.norm(end - start))
    middle = (start + end) / 2 + rng.normal(0, 0.06 * length, 3)
    yield Tube(start, middle, radius)
    yield Tube(middle, end, 0.85 * radius)


def _draw(cover: Array, space: Space, tube: Tube) -> None:
    """Raise `cover`, in place, to the tube's share of each voxel."""
    spacing = np.array(space.spacing)
    corner = np.array([0, EXTENT_ZYX_MM[1] / 2, EXTENT_ZYX_MM[2] / 2])
    margin = tube.radius + space.edge
    low = np.floor((np.minimum(tube.start, tube.end) + corner - margin) / spacing).astype(int)
    high = np.ceil((np.maximum(tube.start, tube.end) + corner + margin) / spacing).astype(int) + 1
    low, high = np.clip(low, 0, cover.shape), np.clip(high, 0, cover.shape)
    if np.any(low >= high):
        return
    axes = [(np.arange(a, b) + 0.5) * s - c for a, b, s, c in zip(low, high, spacing, corner, strict=True)]
    z, y, x = (axis.astype(np.float32) for axis in axes)
    box = cover[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    np.maximum(box, _share(z[:, None, None], y[:, None], x, tube, space), out=box)


def _share(z: Array, y: Array, x: Array, tube: Tube, space: Space) -> Array:
    along = (tube.end - tube.start).astype(np.float32)
    dz, dy, dx = z - np.float32(tube.start[0]), y - np.float32(tube.start[1]), x - np.float32(tube.start[2])
    squared = float(along @ along) or 1.0
    t = np.clip((dz * along[0] + dy * along[1] + dx * along[2]) / squared, 0, 1)
    apart = np.sqrt((dz - t * along[0]) ** 2 + (dy - t * along[1]) ** 2 + (dx - t * along[2]) ** 2)
    fills = min(1.0, (tube.radius / (0.6 * space.edge)) ** 1.5)  # a thin vessel fills part of its voxels
    covered = np.clip(0.5 + (np.float32(tube.radius) - apart) / space.edge, 0, 1)
    return np.asarray(np.float32(fills) * covered, np.float32)
