"""The surface of a mask, from the faces of its voxels.

Each axis' faces add up to twice the mask's projection along it (with its folds). The mean over all
directions of a convex body's projections is a quarter of its surface (Cauchy); three axes estimate it by
2/3 of the sum of all faces. Source: Ohser and Schladitz, 3D Images of Materials Structures, section 3.2.
"""

from segwatch.features.inputs import Spacing
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed


def surface_mm2(runs: Runs, spacing: Spacing) -> float:
    """The surface in mm², estimated from faces across x, y and z; the volume's border closes the mask."""
    nz, ny, _ = runs.shape
    shared_y = int(_shared(*runs.arrays, 1, ny, nz * ny))
    shared_z = int(_shared(*runs.arrays, ny, 0, nz * ny))
    voxels = runs.voxels
    z, y, x = spacing
    faces_x, faces_y, faces_z = 2 * runs.count, 2 * (voxels - shared_y), 2 * (voxels - shared_z)
    return (faces_x * y * z + faces_y * z * x + faces_z * y * x) * 2 / 3


@compiled
def _shared(first: Edges, last: Edges, row_start: RowStart, apart: int, wrap: int, rows: int) -> int:
    """Voxels that rows share with the row so many before; rows at multiples of `wrap` have none before."""
    shared = 0
    for row in range(apart, rows):
        if wrap > 0 and row % wrap == 0:
            continue
        a, b = row_start[row - apart], row_start[row]
        while a < row_start[row - apart + 1] and b < row_start[row + 1]:
            low = max(signed(first[a]), signed(first[b]))
            high = min(signed(last[a]), signed(last[b]))
            shared += max(0, high - low + 1)
            if last[a] < last[b]:
                a += 1
            else:
                b += 1
    return shared
