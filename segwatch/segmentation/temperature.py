"""The temperature of a lesion model: what its logits are divided by, so that it is as sure as it is right.

Source: Guo et al., On calibration of modern neural networks, ICML 2017: the least negative log-likelihood on
cases that the model has not seen. A mask does not depend on it, what the model says of its mask does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from segwatch.errors import BadInput, RefusedVolume
from segwatch.volumes.hounsfield import in_hounsfield
from segwatch.volumes.image import Mask
from segwatch.volumes.read import read_ct, read_mask

CT, TRUTH = "ct.nii.gz", "lesion_truth.nii.gz"
FEWEST_CASES = 3
COLDEST, HOTTEST = 0.2, 20.0
_SUREST = 16.0
"""Logits are cut here: float32's probabilities tell no more."""
_STEPS = 3200
_EDGES = np.linspace(-_SUREST, _SUREST, _STEPS + 1)

Foreground = Callable[[NDArray[Any], tuple[float, float, float]], NDArray[np.float32]]


@dataclass
class LogitCounts:
    """How many voxels have which logit, and how many of them are lesion: memory does not grow with cases."""

    all: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_STEPS))
    lesion: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_STEPS))

    def add(self, foreground: NDArray[np.float32], truth: Mask) -> None:
        """Count a case: probabilities of lesion and the true mask (z, y, x). Cases weigh alike."""
        least = 1 / (1 + np.exp(_SUREST))
        share = np.clip(foreground.astype(np.float64), least, 1 - least)
        logits = np.log(share) - np.log1p(-share)
        for counts, chosen in ((self.all, logits.ravel()), (self.lesion, logits[truth])):
            counts += np.histogram(chosen, _EDGES)[0] / truth.size


def fitted_temperature(counts: LogitCounts) -> float:
    """The temperature of the least negative log-likelihood, between 0.2 and 20.

    Raises:
        BadInput: the cases hold no lesion, or nothing else.
    """
    total, lesion = counts.all.sum(), counts.lesion.sum()
    if not 0 < lesion < total:
        raise BadInput("--calibrate needs cases with lesion and without: their true masks are all one")
    middles = (_EDGES[:-1] + _EDGES[1:]) / 2

    def loss(log_temperature: float) -> float:
        line = middles / np.exp(log_temperature)
        return float(counts.all @ np.logaddexp(0.0, line) - counts.lesion @ line)

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(round(np.exp(found.x), 4))


def temperature_of_cases(folder: Path, foreground: Foreground, done: Callable[[], None]) -> float:
    """The temperature by a folder of cases that the model has not seen.

    Args:
        folder: with CASE/ct.nii.gz in HU and CASE/lesion_truth.nii.gz.
        foreground: the model's probability of lesion, of a CT and its spacing, at temperature 1.
        done: called after each case.

    Raises:
        BadInput: fewer than three cases, a file is missing or damaged, or a CT is not in HU; names it.
    """
    cases = calibration_cases(folder)
    counts = LogitCounts()
    for case in cases:
        try:
            ct = read_ct(case / CT)
            hu, unit = in_hounsfield(ct.array, "auto", str(case / CT))
            truth = read_mask(case / TRUTH, ct.geometry).array
        except RefusedVolume as error:
            raise BadInput(f"--calibrate: {error}") from None
        if unit != "hu":
            raise BadInput(f"--calibrate: {case / CT} is not in HU, so the model would see nonsense")
        counts.add(foreground(hu, ct.geometry.spacing_zyx_mm), truth)
        done()
    return fitted_temperature(counts)


def calibration_cases(folder: Path) -> list[Path]:
    """The cases' folders.

    Raises:
        BadInput: there are too few, or one lacks a file.
    """
    cases = sorted(_folders(folder)) if folder.is_dir() else []
    if len(cases) < FEWEST_CASES:
        raise BadInput(
            f"--calibrate {folder} holds {len(cases)} cases, and {FEWEST_CASES} are needed: one folder a case"
            f" that the model was not trained on, with {CT} and {TRUTH}"
        )
    for case in cases:
        for name in (CT, TRUTH):
            if not (case / name).is_file():
                raise BadInput(f"--calibrate: there is no {case / name}")
    return cases


def _folders(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
