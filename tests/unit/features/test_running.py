"""The service as it runs: on the embedded log, from records to records; and where nothing can be written."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from segwatch.contracts.base import Geometry
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.studies import StudySegmented
from segwatch.contracts.topics import MEASURED, SEGMENTED, dead_letters
from segwatch.errors import BadInput
from segwatch.streaming.log import outgoing
from segwatch.streaming.runtime import start
from segwatch.volumes.store import VolumeStore
from services.features.__main__ import run
from services.features.settings import FeaturesSettings
from tests.support.folders import made

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


def settings_of(tmp_path, **more):
    return FeaturesSettings(
        log="embedded",
        log_file=tmp_path / "log.sqlite",
        http_host="127.0.0.1",
        http_port=0,
        store=str(made(tmp_path / "store")),
        **more,
    )


@pytest.fixture
def study(tmp_path):
    store = VolumeStore(made(tmp_path / "store"))
    lesion = np.zeros((6, 16, 16), np.bool_)
    lesion[1:5, 4:9, 4:9] = True
    lesion[2, 4:9, 4:11] = True
    geometry = Geometry(
        shape_zyx=lesion.shape,
        spacing_zyx_mm=(5.0, 2.0, 2.0),
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    ct, mask = store.save_volume(np.full(lesion.shape, -700, np.int16)), store.save_mask(lesion)
    lung = store.save_mask(np.ones(lesion.shape, np.bool_))
    return StudySegmented(
        study="5" * 32,
        patient="9" * 32,
        received_at=NOW,
        ct_unit="hu",
        geometry=geometry,
        grid=geometry,
        ct=ct,
        lesion=mask,
        lung=lung,
        ct_on_grid=ct,
        lesion_on_grid=mask,
        lung_on_grid=lung,
        model=None,
        lesion_source="given",
        lung_method="given",
    )


def read(log, topic, count):
    """The first `count` records of a topic, waited for."""
    records, until = [], time.monotonic() + 60
    with log.reader([topic]) as reader:
        while len(records) < count and time.monotonic() < until:
            records += reader.poll(0.1)
    return records


def test_studies_are_measured_and_one_whose_mask_is_gone_stops_nobody(study, tmp_path):
    gone = study.lesion_on_grid.model_copy(update={"key": f"objects/00/{'0' * 64}.b2m", "sha256": "0" * 64})
    studies = [study.model_copy(update={"lesion_on_grid": gone}), study]
    with start("features", settings_of(tmp_path, features="paper4")) as runtime:
        runtime.log.create_topics({SEGMENTED: 1, MEASURED: 1, dead_letters(SEGMENTED): 1})
        events = [
            Event(f"{n:032x}", SEGMENTED, each.study, "/segmentation", NOW, each)
            for n, each in enumerate(studies)
        ]
        with runtime.log.producer() as producer:
            producer.send([outgoing(SEGMENTED, event) for event in events])
        service = threading.Thread(target=run, args=(runtime,))
        service.start()
        try:
            measured = read(runtime.log, MEASURED, 1)
            buried = read(runtime.log, dead_letters(SEGMENTED), 1)
        finally:
            runtime.stop.set()
            service.join(30)
    (record,) = measured
    found = decode(MEASURED, record.key, record.value, record.headers).data
    assert found.status == "measured"
    assert found.features["connected_components"] == 1
    assert dict(buried[0].headers)["dlq_error"] == b"missing_object"


def test_a_feature_that_there_is_not_stops_the_start(tmp_path):
    with start("features", settings_of(tmp_path, features="dice")) as runtime, pytest.raises(BadInput):
        run(runtime)


def test_machine_code_is_kept_where_the_environment_says_and_compiling_is_announced_once(tmp_path):
    program = (
        "import numpy as np; from segwatch.features.kernels.compiled import announce_compiling; "
        "from segwatch.features.kernels.runs import encode_runs; "
        "announce_compiling(lambda: print('compiles')); "
        "print(encode_runs(np.ones((1, 1, 8), 'u1')).count)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    )
    assert first == ["compiles", "1"]
    assert second == ["1"]
    assert list((tmp_path / "kept").rglob("*.nbc"))
