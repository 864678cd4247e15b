"""How good the demo model is on phantoms that it has not seen: `python -m benchmarks.demo_model`.

Prints, for each scanner profile, the mean Dice of its lesion masks, the share that fails (Dice < 0.6), and
the seconds a phantom takes on one thread with the model kept alive.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from segwatch.contracts.quality import FAILED_BELOW
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.segmentation.bundle import open_bundle
from segwatch.segmentation.lesion import LesionModel

BUNDLE = Path(__file__).parent.parent / "deploy/models/demo-lesion"


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def evaluate(model: LesionModel, scanner: str, seeds: range) -> tuple[list[float], float]:
    """The Dice of each phantom, and the mean seconds of a prediction."""
    found, seconds = [], 0.0
    for seed in seeds:
        phantom = make_phantom(seed, SCANNERS[scanner])
        started = time.perf_counter()
        mask = model.predict(phantom.ct, phantom.geometry.spacing_zyx_mm).mask
        seconds += time.perf_counter() - started
        found.append(dice(mask, phantom.lesion))
    return found, seconds / len(seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--count", type=int, default=40, help="phantoms a scanner")
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    model = LesionModel(open_bundle(asked.bundle))
    seeds = range(asked.first_seed, asked.first_seed + asked.count)
    print(f"{'scanner':<10} {'n':>4} {'mean':>6} {'p10':>6} {'median':>6} {'p90':>6} {'failed':>7} {'s':>6}")
    for scanner in SCANNERS:
        found, seconds = evaluate(model, scanner, seeds)
        low, middle, high = np.quantile(found, [0.1, 0.5, 0.9])
        failed = np.mean([value < FAILED_BELOW for value in found])
        print(
            f"{scanner:<10} {len(found):>4} {np.mean(found):>6.3f} {low:>6.3f} {middle:>6.3f} {high:>6.3f}"
            f" {failed:>7.1%} {seconds:>6.2f}"
        )


if __name__ == "__main__":
    main()
