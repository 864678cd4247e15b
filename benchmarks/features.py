"""How long measuring takes, against the floor and against plain scikit-image, in one run.

    python -m benchmarks.features          writes benchmarks/features.md, .json and _growth.png
    python -m benchmarks.features floor    measures that part again: floor, growth, service or decoding

The floor is what no implementation can do without: reading the mask once, and the CT where the lesion is.
Times are processor time on one thread, the least of several runs: what else runs on the machine is left out
as far as it can be.
"""

import json
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.features_files import measure_decoding
from benchmarks.features_masks import GRID, SPACING, MaskCase, blobs, ct_of, lattice, lungs, standard_cases
from benchmarks.features_plain import plain_four
from benchmarks.features_report import draw_growth, write_report
from benchmarks.features_service import measure_service
from segwatch.features.kernels.runs import encode_runs
from segwatch.features.kernels.vectors import LANES, filled_lanes
from segwatch.features.kernels.words import summed
from segwatch.features.measuring import measure
from segwatch.features.registry import CHEAP, MEASURED, PAPER4

HERE = Path(__file__).parent
Row = dict[str, Any]


@numba.njit(cache=True)
def _read(voxels: NDArray[np.uint8]) -> np.uint64:
    seen = np.uint64(0)
    for at in range(0, voxels.size - LANES + 1, LANES):
        seen |= filled_lanes(voxels, at)
    return seen


@numba.njit(cache=True)
def _read_runs(
    values: NDArray[np.int16], nx: int, first: NDArray[Any], last: NDArray[Any], row_start: NDArray[Any]
) -> int:
    total = 0
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            total += summed(values, row * nx + first[run], row * nx + last[run] + 1)
    return total


def least_ms(work: Callable[[], object], repeats: int = 25) -> float:
    """The least of several runs, after one that is not counted: what else runs here only ever adds."""
    work()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times) * 1000


def floor_ms(case: MaskCase) -> float:
    """Reading the mask once, and the CT under its runs, which are given."""
    voxels = case.lesion.view(np.uint8).reshape(-1)
    runs = encode_runs(case.lesion.view(np.uint8))
    ct, nx = case.ct.reshape(-1), case.ct.shape[2]

    def read() -> None:
        _read(voxels)
        _read_runs(ct, nx, runs.first, runs.last, runs.row_start)

    return least_ms(read)


def four(case: MaskCase, features: Sequence[str] = PAPER4, components: str = "26") -> Callable[[], object]:
    """Measures the four features, or those asked for."""

    def work() -> object:
        return measure(case.ct, case.lesion, case.lung, SPACING, features=features, components=components)

    return work


def against_floor() -> list[Row]:
    """The four, the cheap catalogue and all of it, at the stated cases."""
    rows = []
    for case in standard_cases():
        floor, ours = floor_ms(case), least_ms(four(case))
        plain = least_ms(partial(plain_four, case.ct, case.lesion, case.lung), repeats=5)
        cheap = least_ms(four(case, features=CHEAP))
        rows.append(
            {
                "case": case.name,
                "floor_ms": floor,
                "four_ms": ours,
                "four_over_floor": ours / floor,
                "plain_ms": plain,
                "plain_over_four": plain / ours,
                "l1_ms": least_ms(four(case, components="l1")),
                "cheap_ms": cheap,
                "cheap_over_four": cheap / ours,
                "distance_ms": least_ms(four(case, features=MEASURED), repeats=5) - cheap,
                "memory_mb": memory_mb(four(case)),
            }
        )
    return rows


def memory_mb(work: Callable[[], object]) -> float:
    """The most memory that numpy and numba's arrays took beside the inputs."""
    work()
    tracemalloc.start()
    before = _resident_mb()
    work()
    traced = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return max(traced, _resident_mb() - before)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth() -> dict[str, list[Row]]:
    """The four features' time, as each thing that could make it grow does."""
    return {
        "slices": [_grown("slices", n, (n, 512, 512)) for n in (25, 50, 100, 200, 400, 800)],
        "voxels a side": [_grown("side", n, (50, n, n)) for n in (128, 256, 512, 768, 1024)],
        "share of lung": [_shared(share) for share in (0.001, 0.01, 0.06, 0.15, 0.27, 0.6)],
        "components": [_strewn(count) for count in (10, 1000, 10_000, 100_000, 1_000_000, 1_638_400)],
    }


def _grown(kind: str, size: int, shape: tuple[int, int, int]) -> Row:
    lung = lungs(shape)
    case = MaskCase(f"{size} {kind}", ct_of(shape), blobs(0.06, lung), lung)
    return {"at": size, "four_ms": least_ms(four(case), 7), "voxels": case.lesion.size}


def _shared(share: float) -> Row:
    lung = lungs()
    case = MaskCase(f"{share}", ct_of(), blobs(share, lung), lung)
    return {"at": share, "four_ms": least_ms(four(case), 7), "voxels": case.lesion.size}


def _strewn(count: int) -> Row:
    case = MaskCase(f"{count}", ct_of(), lattice(count), lungs())
    work = four(case)
    return {
        "at": count,
        "four_ms": least_ms(work, 7),
        "memory_mb": memory_mb(work),
        "voxels": case.lesion.size,
    }


PARTS: dict[str, Callable[[], Any]] = {
    "floor": against_floor,
    "growth": growth,
    "service": measure_service,
    "decoding": measure_decoding,
}


def main(parts: Sequence[str]) -> None:
    """Measure the parts, or all, and write the report; the other parts stay as they were measured last."""
    numba.set_num_threads(1)
    kept = HERE / "features.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if parts else {}
    results |= {
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "grid": GRID},
        "load_before": os.getloadavg()[0],
    }
    with threadpool_limits(1):  # scikit-learn's fit would take as many as there are cores
        for part in parts or PARTS:
            results[part] = PARTS[part]()
    results["load_after"] = os.getloadavg()[0]
    kept.write_text(json.dumps(results, indent=1) + "\n")
    draw_growth(results["growth"], HERE / "features_growth.png")
    write_report(results, HERE / "features.md")
    print((HERE / "features.md").read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
