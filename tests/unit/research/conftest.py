"""A source of six small scans of five patients: lungs with a dense ball, in display values."""

from pathlib import Path

import numpy as np
import pytest

from segwatch.contracts.base import Geometry
from segwatch.volumes.nifti import write_nifti

SHAPE = (8, 48, 48)
CASES = {"a-1": "a", "a-2": "a", "b": "b", "c": "c", "d": "d", "e": "e"}


def scan(seed: int):
    """Display values, lung, true lesion, and a predicted lesion (z, y, x)."""
    draw = np.random.default_rng(seed)
    z, y, x = np.indices(SHAPE)
    body = (y - 24) ** 2 + (x - 24) ** 2 < 22**2
    lung = ((y - 24) / 14) ** 2 + ((x - 16) / 6) ** 2 < 1
    lung |= ((y - 24) / 14) ** 2 + ((x - 32) / 6) ** 2 < 1
    middle = draw.integers(18, 30)
    truth = lung & ((y - middle) ** 2 + (x - 16) ** 2 + 2 * (z - 4) ** 2 < 25)
    ct = np.where(lung, 60, np.where(body, 190, 5)) + 60 * truth + draw.normal(0, 6, SHAPE)
    return np.uint8(np.clip(ct, 0, 255)), lung, truth, np.roll(truth, 1, axis=1)


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    geometry = Geometry(
        shape_zyx=SHAPE,
        spacing_zyx_mm=(5.0, 6.0, 6.0),
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    for seed, name in enumerate(CASES):
        case = folder / "cases" / name
        case.mkdir(parents=True)
        files = ("ct", "lung", "lesion_truth", "lesion_predicted")
        for file, array in zip(files, scan(seed), strict=True):
            write_nifti(case / f"{file}.nii.gz", array, geometry)
    rows = "".join(f"{case},{patient}\n" for case, patient in CASES.items())
    (folder / "index.csv").write_text("case,patient\n" + rows)
    return folder
