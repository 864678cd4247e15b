"""What a second opinion costs a study: processor time of the network's look at a whole chest.

    python -m benchmarks.second_opinion

And what it finds in phantoms, in HU.

A phantom at a hospital's matrix: 100 slices of 3 mm and 300 of 1 mm, 512 × 512. Preparation and comparison
are included, reading and the lung mask are not.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS, ScannerProfile
from segwatch.segmentation.bundle import OpinionBundle, open_opinion
from segwatch.segmentation.opinion_model import OpinionModel
from segwatch.volumes.image import Volume

BUNDLE = Path(__file__).parent.parent / "deploy/models/covid20-opinion"
WIDE = 4
"""The phantom's planes are repeated so many times along y and x."""


def study(slices: int) -> tuple[Volume, np.ndarray, np.ndarray]:
    """A chest of so many slices over 300 mm: CT, lung, lesion."""
    made = make_phantom(21)
    order = np.arange(slices) * len(made.ct) // slices

    def large(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[order].repeat(WIDE, axis=1).repeat(WIDE, axis=2))

    y, x = (step / WIDE for step in made.geometry.spacing_zyx_mm[1:])
    ct = large(made.ct)
    geometry = Geometry(
        shape_zyx=ct.shape,
        spacing_zyx_mm=(300 / slices, y, x),
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=made.geometry.direction,
    )
    return Volume(ct, geometry), large(made.lung), large(made.lesion)


def dice_of(model: OpinionModel, seed: int, scanner: ScannerProfile) -> float:
    """The opinion's Dice with the truth of a phantom in HU that it has not seen."""
    made = make_phantom(seed, scanner)
    found = model.opinion_of(Volume(made.ct, made.geometry), made.lung, made.lesion)
    return 0.0 if found is None or found.dice is None else found.dice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    bundle = open_opinion(asked.bundle)
    if not isinstance(bundle, OpinionBundle):
        raise SystemExit(f"{asked.bundle} is an nnU-Net's: it takes as long as a mask")
    model = OpinionModel(bundle)
    print("| slices | processor s | of it in the first round |\n|---|---|---|")
    for slices in (100, 300):
        volume, lung, lesion = study(slices)
        times = []
        for _ in range(asked.rounds):
            begun = time.process_time()
            model.opinion_of(volume, lung, lesion)
            times.append(time.process_time() - begun)
        print(f"| {slices} | {min(times):.2f} | {times[0]:.2f} |")
    print("\n| scanner | mean Dice with the truth of 4 phantoms |\n|---|---|")
    for name, scanner in SCANNERS.items():
        print(f"| {name} | {np.mean([dice_of(model, seed, scanner) for seed in range(7000, 7004)]):.2f} |")
    print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
