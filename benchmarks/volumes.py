"""How fast images are read, resampled and packed, on one thread: `python -m benchmarks.volumes`.

The images are phantoms of the grid's and of other sizes; times are the best of five, after one warm-up.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.volumes.codec import decode_mask, decode_volume, encode_mask, encode_volume
from segwatch.volumes.grid import resample_ct, resample_mask
from segwatch.volumes.nifti import read_nifti, write_nifti

SHAPES = ((32, 128, 128), (120, 256, 256), (300, 512, 512))


def best(work: Callable[[], object]) -> float:
    """Milliseconds."""
    work()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def ct_of(shape: tuple[int, int, int]) -> np.ndarray:
    """Air around a soft body, with a scanner's noise, so that it packs as a CT does."""
    z, y, x = np.ogrid[tuple(slice(-1, 1, complex(0, size)) for size in shape)]
    body = np.where(x**2 + 2 * y**2 + 0 * z < 0.7, 40, -1000)
    noise = np.random.default_rng(0).normal(0, 12, shape)
    return np.rint(body + noise).astype(np.int16)


def main() -> None:
    heads = ("read .nii.gz", "ct to grid", "mask to grid", "encode", "decode", "mask enc", "mask dec")
    print(f"{'ms':>15} " + " ".join(f"{head:>12}" for head in heads))
    for shape in SHAPES:
        ct = ct_of(shape)
        mask = ct > 0
        geometry = Geometry(
            shape_zyx=shape,
            spacing_zyx_mm=(5.0, 1.0, 1.0),
            origin_xyz_mm=(0.0, 0.0, 0.0),
            direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        )
        volume, bits = encode_volume(ct), encode_mask(mask)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ct.nii.gz"
            write_nifti(path, ct, geometry)
            times = [
                best(lambda path=path: read_nifti(path)),
                best(lambda ct=ct: resample_ct(ct)),
                best(lambda mask=mask: resample_mask(mask)),
                best(lambda ct=ct: encode_volume(ct)),
                best(lambda volume=volume: decode_volume(volume)),
                best(lambda mask=mask: encode_mask(mask)),
                best(lambda bits=bits: decode_mask(bits)),
            ]
        name = "x".join(map(str, shape))
        print(f"{name:>15} " + " ".join(f"{each:>12.1f}" for each in times))


if __name__ == "__main__":
    main()
