"""What an examination takes on disk, for sizing disks and claims: `python -m benchmarks.sizing [SLICES]`.

SLICES slices of 512 x 512 (400 where nothing is said) that pack as a CT does; a tenth of them is packed,
since size grows with slices. The inbox holds the DICOM as it comes, uncompressed; the store holds the
volume, the same on the grid, and two masks on each.
"""

import sys

import numpy as np

from benchmarks.volumes import ct_of
from segwatch.volumes.codec import encode_mask, encode_volume
from segwatch.volumes.grid import GRID

SLICES = 400
PART = 10
HEADER_BYTES = 4096
"""Of one image; hospitals' images have one to eight thousand bytes of it."""
MB = 1e6


def main() -> None:
    """Print a table."""
    slices = int(sys.argv[1]) if len(sys.argv) > 1 else SLICES
    ct = ct_of((max(1, slices // PART), 512, 512))
    tissue = np.asarray(ct > 0)
    volume = len(encode_volume(ct)) * slices / len(ct)
    masks = 2 * len(encode_mask(tissue)) * slices / len(ct)
    on_grid = (volume + masks) * GRID[0] / slices
    print(f"inbox: {(2 * 512 * 512 + HEADER_BYTES) * slices / MB:.0f} MB, until it is announced")
    print(f"store: the volume {volume / MB:.0f} MB, two noisy masks {masks / MB:.0f} MB")
    print(f"store: the same on the grid {on_grid / MB:.0f} MB")
    print(f"store: {(volume + masks + on_grid) / MB:.0f} MB together")


if __name__ == "__main__":
    main()
