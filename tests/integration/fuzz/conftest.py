"""Services as they run, on an embedded log, with a store and a good message for each."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.envelope import Event
from segwatch.contracts.studies import StudyReceived, StudySegmented
from segwatch.contracts.topics import RECEIVED, SEGMENTED
from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.store import VolumeStore
from services.segmentation.handler import Segmentation, StudySource
from tests.support.messages import NOW, PATIENT, STUDY

SHAPE = (8, 32, 32)


@pytest.fixture(scope="package")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="package")
def received(store_folder: Path) -> Event[StudyReceived]:
    """A small study that brings its masks."""
    store, phantom = VolumeStore(store_folder), make_phantom(5, shape=SHAPE)
    study = StudyReceived(
        study=STUDY,
        patient=PATIENT,
        received_at=NOW,
        arrived_by="folder",
        ct=store.save_volume(phantom.ct.astype(np.int16)),
        ct_unit="hu",
        geometry=phantom.geometry,
        lesion=store.save_mask(phantom.lesion),
        lung=store.save_mask(phantom.lung),
    )
    return Event(
        id="0" * 32, type=RECEIVED, key=STUDY, source="/ingest", time=NOW, data=study, correlation="c"
    )


@pytest.fixture(scope="package")
def segmented(store_folder: Path, received: Event[StudyReceived]) -> Event[StudySegmented]:
    """The same study, segmented."""
    stage = Segmentation(
        VolumeStore(store_folder),
        StudySource(CollectorRegistry()),
        now=lambda: datetime(2026, 3, 4, tzinfo=UTC),
    )
    (made,) = stage.handle(received)
    assert made.type == SEGMENTED
    return made
