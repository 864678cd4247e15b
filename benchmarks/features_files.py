"""From raw .nii.gz files (gzip's usual level 6) to the four features.

Streamed; beside it inflating alone, and SimpleITK reading and resampling the same files.

Each measurement is a process of its own, so that its peak memory is its own too.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.features_masks import GRID, blobs, ct_of, lungs
from segwatch.contracts.base import Geometry
from segwatch.volumes.nifti import write_nifti

SLICES = (75, 150, 300, 600)


def measure_decoding() -> list[dict[str, Any]]:
    """Seconds and peak memory of each way, as the number of slices grows."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for slices in SLICES:
            case = Path(folder) / str(slices)
            _write(case, slices)
            row: dict[str, Any] = {"slices": slices}
            for how in WAYS:
                row |= _run(how, case)
            rows.append(row)
    return rows


def streamed(case: Path) -> None:
    """The four features of a case's files."""
    from segwatch.features.files import Request, measure_files
    from segwatch.features.registry import PAPER4

    measure_files(Request(case / "ct.nii.gz", case / "lesion.nii.gz", case / "lung.nii.gz", features=PAPER4))


def inflating(case: Path) -> None:
    """The CT's bytes alone, nothing done with them."""
    from isal import igzip

    buffer = bytearray(2**19)
    with igzip.open(case / "ct.nii.gz") as file:
        while file.readinto(buffer):
            pass


def simpleitk(case: Path) -> None:
    """Reading and resampling alone, without measuring anything."""
    import SimpleITK as sitk  # noqa: N813 - as its documentation has it

    for name, how in (
        ("ct", sitk.sitkLinear),
        ("lesion", sitk.sitkNearestNeighbor),
        ("lung", sitk.sitkNearestNeighbor),
    ):
        image = sitk.ReadImage(str(case / f"{name}.nii.gz"))
        ratio = [size / count for size, count in zip(image.GetSize(), GRID[::-1], strict=True)]
        spacing = [step * r for step, r in zip(image.GetSpacing(), ratio, strict=True)]
        start = image.TransformContinuousIndexToPhysicalPoint([(r - 1) / 2 for r in ratio])
        sitk.Resample(image, GRID[::-1], sitk.Transform(), how, start, spacing, image.GetDirection())


WAYS: Mapping[str, Callable[[Path], None]] = {
    "streamed": streamed,
    "inflating": inflating,
    "simpleitk": simpleitk,
}


def _write(case: Path, slices: int) -> None:
    case.mkdir()
    shape = (slices, 512, 512)
    geometry = Geometry(
        shape_zyx=shape,
        spacing_zyx_mm=(300 / slices, 0.7, 0.7),
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    lung = lungs(shape)
    ct, lesion = ct_of(shape), blobs(0.06, lung)
    for name, array in (("ct", ct), ("lesion", lesion), ("lung", lung)):
        write_nifti(case / f"{name}.nii", array, geometry)
        data = (case / f"{name}.nii").read_bytes()
        (case / f"{name}.nii.gz").write_bytes(gzip.compress(data, compresslevel=6))
        (case / f"{name}.nii").unlink()


def _run(how: str, case: Path) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.features_files", how, str(case)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return {f"{how}_s": found["seconds"], f"{how}_peak_mb": found["peak_mb"]}


def _child(how: str, case: Path) -> None:
    work = WAYS[how]
    work(case)  # machine code is loaded, files are in the page cache
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work(case)
        times.append(time.perf_counter() - started)
    print(json.dumps({"seconds": min(times), "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """This process's own: what `getrusage` says counts its parent's memory before the exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    _child(sys.argv[1], Path(sys.argv[2]))
