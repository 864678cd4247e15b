"""`python -m services.ingest.compiling`: looks at made-up voxels, so that all that can be compiled is.

The image is built with what comes of it: the first study in a pod need not wait for a compiler.
"""

import numpy as np

from segwatch.volumes.hounsfield import compact


def compile_all() -> None:
    """Look at voxels of both sizes, of either byte order alike."""
    for kind in (np.float32, np.float64):
        compact(np.zeros((2, 2, 2), kind), "made up")


if __name__ == "__main__":
    compile_all()
