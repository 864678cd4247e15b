"""The features service from the store to the message, one study after another."""

import tempfile
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from benchmarks.features_masks import GRID, SPACING, blobs, ct_of, lungs
from segwatch.contracts.base import Geometry
from segwatch.contracts.envelope import Event, encode
from segwatch.contracts.studies import StudySegmented
from segwatch.contracts.topics import SEGMENTED
from segwatch.features.profiles import options
from segwatch.features.registry import SETS, feature
from segwatch.volumes.store import VolumeStore
from services.features.handler import Measuring
from services.features.metrics import FeaturesMetrics

NATIVE = (300, 512, 512)
STUDIES = 40


def measure_service() -> list[dict[str, Any]]:
    """Milliseconds a study for each set of features, wall time and processor time."""
    with tempfile.TemporaryDirectory() as folder:
        store = VolumeStore(folder)
        study = _study(store)
        size = study.ct_on_grid.bytes / 1e6
        return [{"features": name, "ct_mb": size, **_timed(store, study, name)} for name in SETS]


def _timed(store: VolumeStore, study: StudySegmented, name: str) -> dict[str, float]:
    measuring = Measuring(
        store,
        options(),
        [feature(each) for each in SETS[name]],
        FeaturesMetrics(CollectorRegistry()),
        now=lambda: datetime.now(UTC),
    )
    event = Event("1" * 32, SEGMENTED, study.study, "/segmentation", datetime.now(UTC), study)
    wall, cpu = [], []
    for _ in range(STUDIES):
        started, used = time.perf_counter(), time.process_time()
        for made in measuring.handle(event):
            encode(made)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return {
        "wall_ms": float(np.median(wall)) * 1000,
        "wall_best_ms": min(wall) * 1000,
        "cpu_ms": float(np.median(cpu)) * 1000,
    }


def _study(store: VolumeStore) -> StudySegmented:
    lung = lungs()
    ct = store.save_volume(ct_of())
    return StudySegmented(
        study="5" * 32,
        patient="6" * 32,
        received_at=datetime.now(UTC),
        ct_unit="hu",
        geometry=_geometry(NATIVE, (1.0, 0.7, 0.7)),
        grid=_geometry(GRID, SPACING),
        ct=ct,
        lesion=store.save_mask(np.repeat(blobs(0.06, lung), 6, axis=0)),
        lung=None,
        ct_on_grid=ct,
        lesion_on_grid=store.save_mask(blobs(0.06, lung)),
        lung_on_grid=store.save_mask(lung),
        lesion_source="nnunet",
        lung_method="lungmask",
        model=None,
    )


def _geometry(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Geometry:
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    return Geometry(shape_zyx=shape, spacing_zyx_mm=spacing, origin_xyz_mm=(0.0, 0.0, 0.0), direction=axes)
