"""How an onboarded scorer does on scanners that neither it nor its model has seen.

    python -m benchmarks.onboard --folder .run/onboard --scorer .run/onboard/scorer

Takes the folder that `examples/nnunet_on_phantoms.py` wrote, and the scorer that `segwatch onboard` made.
New phantoms of every scanner profile are segmented by all folds together, as a hospital would, and measured
with lung masks made by thresholds. Prints for each scanner the masks that failed (Dice < 0.6), and what the
scorer said: AUROC, mean absolute error beside the constant mean's, failures found, good masks passed,
intervals that hold, masks called outside.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

from examples.nnunet_on_phantoms import CONFIGURATION, DATASET, PLANS, SHAPE, TRAINER, environment
from segwatch.cohorts.demo_cohort import true_dice
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.features.measuring import measure_scene
from segwatch.features.on_grid import scene_on_grid
from segwatch.features.registry import CATALOGUE
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.scoring.bundle import Scorer, load
from segwatch.scoring.score import Score, score
from segwatch.segmentation.bundle import Bundle
from segwatch.segmentation.segmenter import lung_without_model

FIRST_SEED = 3_000_000
"""Far from the phantoms of training."""


def scored(seed: int, scanner: str, model: Any, scorer: Scorer) -> tuple[float, Score]:  # noqa: ANN401
    """True Dice of a new phantom's mask, and its score."""
    phantom = make_phantom(seed, SCANNERS[scanner], shape=SHAPE)
    spacing = phantom.geometry.spacing_zyx_mm
    mask = model.predict(phantom.ct, spacing).mask
    scene = scene_on_grid(phantom.ct, mask, lung_without_model(phantom.ct, "hu", spacing), spacing, "hu")
    wanted = dict.fromkeys((*scorer.manifest.feature_names,))
    return true_dice(mask, phantom.lesion), score(
        measure_scene(scene, [CATALOGUE[name] for name in wanted]), scorer
    )


def auroc(failed: np.ndarray, danger: np.ndarray) -> float:
    if failed.all() or not failed.any():
        return float("nan")
    apart = danger[failed][:, None] - danger[~failed][None]
    return float((apart > 0).mean() + 0.5 * (apart == 0).mean())


def row(found: list[tuple[float, Score]], mean: float) -> str:
    dice = np.array([true for true, _ in found])
    scores = [each for _, each in found]
    failed = dice < FAILED_BELOW
    danger = np.array(
        [np.inf if each.failure_probability is None else each.failure_probability for each in scores]
    )
    flagged = np.array([each.needs_attention for each in scores])
    known = [
        (true, each) for true, each in found if each.predicted_dice is not None and each.interval is not None
    ]
    errors = [abs(true - each.predicted_dice) for true, each in known]
    holds = [each.interval[0] <= true <= each.interval[1] for true, each in known]
    outside = np.mean([each.status == "outside" for each in scores])
    return (
        f"{len(dice):>4} {dice.mean():>6.2f} {failed.sum():>7} {auroc(failed, danger):>6.2f}"
        f" {np.mean(errors):>5.2f} {np.abs(dice - mean).mean():>9.2f}"
        f" {_share(flagged[failed]):>6} {_share(~flagged[~failed]):>7}"
        f" {np.mean(holds):>6.0%} {outside:>8.0%}"
    )


def _share(flags: np.ndarray) -> str:
    return f"{flags.mean():.0%}" if len(flags) else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".run/onboard"))
    parser.add_argument("--scorer", type=Path, default=Path(".run/onboard/scorer"))
    parser.add_argument("--count", type=int, default=20, help="phantoms a scanner")
    asked = parser.parse_args()
    os.environ.update(environment(asked.folder))
    from segwatch.segmentation.lesion import LesionModel

    results = asked.folder / "nnUNet_results" / DATASET / f"{TRAINER}__{PLANS}__{CONFIGURATION}"
    folds = tuple(sorted(path.name.removeprefix("fold_") for path in results.glob("fold_*")))
    model = LesionModel(Bundle(results, ModelIdentity(name="phantoms", sha256="0" * 64), folds), threads=2)
    scorer = load(asked.scorer)
    print(f"{scorer.manifest.name}: {scorer.manifest.model} on {scorer.manifest.feature_set}")
    print("scanner       n   Dice  failed  AUROC   MAE  constant  found  passed  holds  outside")
    everything = []
    for scanner in SCANNERS:
        found = [scored(FIRST_SEED + each, scanner, model, scorer) for each in range(asked.count)]
        everything += found
        print(f"{scanner:<10} {row(found, scorer.manifest.cohort.mean_dice)}", flush=True)
    print(f"{'all':<10} {row(everything, scorer.manifest.cohort.mean_dice)}")


if __name__ == "__main__":
    main()
