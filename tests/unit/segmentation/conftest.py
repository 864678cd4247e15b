"""A hospital's volume store with studies in it, and a segmentation that needs no torch."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.envelope import Event
from segwatch.contracts.studies import MaskProbabilities, StudyReceived
from segwatch.contracts.topics import RECEIVED
from segwatch.phantoms.phantom import Phantom, make_phantom
from segwatch.segmentation.segmenter import Lesion
from segwatch.volumes.store import VolumeStore
from services.segmentation.handler import Segmentation, StudySource
from tests.support.folders import made

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
STUDY, PATIENT = "1" * 32, "2" * 32


class FakeLesionModel:
    """Calls everything above −500 HU a lesion, and counts how often it is asked."""

    def __init__(self, digest: str = "a" * 64) -> None:
        self.identity = ModelIdentity(name="fake", sha256=digest)
        self.asked = 0
        self.above = -500

    def predict(self, ct: np.ndarray, spacing_zyx_mm: tuple[float, float, float]) -> Lesion:
        self.asked += 1
        probabilities = MaskProbabilities(mean_foreground=0.9, entropy=0.2)
        return Lesion(ct > self.above, "nnunet", self.identity, probabilities)


@pytest.fixture
def lesion_model() -> FakeLesionModel:
    return FakeLesionModel()


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    return make_phantom(5)


@pytest.fixture
def store(tmp_path: Path) -> VolumeStore:
    return VolumeStore(made(tmp_path / "store"))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def received(store: VolumeStore, phantom: Phantom):
    """Makes the event of a study: `received(lesion=True)` brings its mask."""

    def make(*, lesion: bool = False, lung: bool = False, event_id: str = "0" * 32, **more: Any):
        data = {
            "study": STUDY,
            "patient": PATIENT,
            "received_at": NOON,
            "arrived_by": "folder",
            "ct": store.save_volume(phantom.ct),
            "ct_unit": "hu",
            "geometry": phantom.geometry,
            "lesion": store.save_mask(phantom.lesion) if lesion else None,
            "lung": store.save_mask(phantom.lung) if lung else None,
        }
        return Event(
            id=event_id,
            type=RECEIVED,
            key=STUDY,
            source="/ingest",
            time=NOON,
            data=StudyReceived(**(data | more)),
            correlation="way-1",
        )

    return make


@pytest.fixture
def segmentation(store: VolumeStore, registry: CollectorRegistry):
    """Makes the handler, by default without any model."""

    def make(**more: Any) -> Segmentation:
        return Segmentation(
            store=store, studies=StudySource(registry), now=lambda: NOON, clock=lambda: 0.0, **more
        )

    return make
