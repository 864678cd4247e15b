"""`python -m services.features.compiling`: measures a made-up study, so that all that can be compiled is.

The image is built with what comes of it: the first study in a pod need not wait for a compiler.
"""

import tempfile
from datetime import UTC, datetime
from itertools import product
from typing import get_args

import numpy as np
from prometheus_client import CollectorRegistry

from segwatch.contracts.base import Geometry
from segwatch.contracts.envelope import Event
from segwatch.contracts.studies import StudySegmented
from segwatch.contracts.topics import SEGMENTED
from segwatch.features.kernels.components import Rule
from segwatch.features.profiles import ProfileName, options
from segwatch.features.registry import FEATURES
from segwatch.volumes.grid import grid_geometry
from segwatch.volumes.store import VolumeStore
from services.features.handler import Measuring
from services.features.metrics import FeaturesMetrics

NATIVE = Geometry(
    shape_zyx=(24, 64, 64),
    spacing_zyx_mm=(5.0, 4.0, 4.0),
    origin_xyz_mm=(0.0, 0.0, 0.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
GRID = grid_geometry(NATIVE, (16, 64, 64))


def made_up(store: VolumeStore) -> StudySegmented:
    """A study in the store: a chest of noise with two lungs, and a lesion in each."""
    rng = np.random.default_rng(0)
    ct = store.save_volume(rng.integers(-1000, 100, GRID.shape_zyx).astype(np.int16))
    return StudySegmented(
        study="0" * 32,
        patient="0" * 32,
        received_at=datetime.now(UTC),
        ct_unit="hu",
        geometry=NATIVE,
        grid=GRID,
        ct=ct,
        lesion=store.save_mask(_balls(NATIVE.shape_zyx, 0.4)),
        lung=None,
        ct_on_grid=ct,
        lesion_on_grid=store.save_mask(_balls(GRID.shape_zyx, 0.4)),
        lung_on_grid=store.save_mask(_balls(GRID.shape_zyx, 0.8)),
        lesion_source="nnunet",
        lung_method="lungmask",
        model=None,
    )


def compile_all() -> None:
    """Measure it by every profile and rule, with every feature."""
    with tempfile.TemporaryDirectory() as folder:
        store = VolumeStore(folder)
        study, now = made_up(store), datetime.now(UTC)
        event = Event("0" * 32, SEGMENTED, study.study, "/segmentation", now, study)
        for profile, rule in product(get_args(ProfileName), get_args(Rule)):
            metrics = FeaturesMetrics(CollectorRegistry())
            Measuring(store, options(profile, rule), FEATURES, metrics, lambda: now).handle(event)


def _balls(shape: tuple[int, ...], radius: float) -> np.ndarray:
    z, y, x = (np.linspace(-1, 1, length) for length in shape)
    away = z[:, None, None] ** 2 + y[None, :, None] ** 2
    halves = [away + ((x - middle) * 2)[None, None, :] ** 2 < radius**2 for middle in (-0.5, 0.5)]
    return np.asarray(halves[0] | halves[1])


if __name__ == "__main__":
    compile_all()
