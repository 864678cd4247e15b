"""`python -m services.segmentation.compiling`: resamples a made-up study, so that
all that can be compiled is.

The image is built with what comes of it: the first study in a pod need not wait for a compiler.
"""

import numpy as np

from segwatch.volumes.grid import resample_ct, resample_mask
from segwatch.volumes.hounsfield import compact


def compile_all() -> None:
    """Look at voxels and resample them, of each kind that the store has."""
    for kind in (np.float32, np.float64, np.int16):
        resample_ct(compact(np.zeros((2, 2, 2), kind), "made up"), (2, 2, 2))
    resample_ct(np.full((2, 2, 2), 0.5, np.float32), (2, 2, 2))
    resample_mask(np.zeros((2, 2, 2), np.bool_), (2, 2, 2))


if __name__ == "__main__":
    compile_all()
