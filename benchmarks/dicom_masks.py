"""Reading a DICOM segmentation of 300 frames of 512 × 512, in each encoding; the goal is under a second.

    python -m benchmarks.dicom_masks

The first reading of a process imports highdicom, and is not counted. Times are the processor's, so that a
busy machine does not change them.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.segmentation import read_segmentation
from segwatch.volumes.image import Volume
from segwatch.volumes.labels import LesionLabel
from tests.support.dicom_masks import saved, segmentation
from tests.support.images import dicom_slices

SHAPE = (300, 512, 512)
ENCODINGS = ("BINARY", "FRACTIONAL", "LABELMAP")


def main() -> None:
    """Print the seconds of each encoding."""
    geometry = Geometry(
        shape_zyx=SHAPE,
        spacing_zyx_mm=(1.0, 0.7, 0.7),
        origin_xyz_mm=(-180.0, -180.0, -150.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    lesion = ((z - 150) / 150) ** 2 + ((y - 256) / 60) ** 2 + ((x - 256) / 80) ** 2 < 1
    slices = dicom_slices(Volume(np.zeros(SHAPE, np.int16), geometry))
    with tempfile.TemporaryDirectory() as folder:
        for kind in ENCODINGS:
            made = segmentation(slices, {"lesion": lesion}, geometry, kind, omit_empty_frames=False)
            path = saved(made, Path(folder) / f"{kind}.dcm")
            seconds = min(_seconds(path, geometry) for _ in range(3))
            print(f"{kind:12} {seconds:.2f} s")


def _seconds(path: Path, geometry: Geometry) -> float:
    started = time.process_time()
    read_segmentation(path, geometry, LesionLabel(), 0.5)
    return time.process_time() - started


if __name__ == "__main__":
    main()
