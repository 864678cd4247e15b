"""An inbox, a store, and ingest running on the embedded log."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.files import whole_folder
from segwatch.streaming.runtime import Runtime, start
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from services.ingest.inbox import Inbox
from services.ingest.settings import IngestSettings
from tests.support.folders import made
from tests.support.images import little_ct

SECRET = b"a secret of enough bytes"


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox")


@pytest.fixture
def write_case(inbox: Inbox) -> Callable[..., Path]:
    """Writes a NIfTI case into the inbox, as a producer would: hidden, then renamed."""

    def write(name: str, ct: Volume | None = None, **masks: np.ndarray) -> Path:
        ct = ct or little_ct()
        with whole_folder(inbox.root / name) as hidden:
            write_nifti(hidden / "ct.nii.gz", ct.array, ct.geometry)
            for mask, array in masks.items():
                write_nifti(hidden / f"{mask}.nii.gz", array, ct.geometry)
        return inbox.root / name

    return write


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., IngestSettings]:
    def make(**more: Any) -> IngestSettings:
        (tmp_path / "secret").write_bytes(SECRET)
        given = {
            "log": "embedded",
            "log_file": tmp_path / "log.db",
            "http_host": "127.0.0.1",
            "http_port": 0,
            "inbox": tmp_path / "inbox",
            "store": str(made(tmp_path / "store")),
            "pseudonym_secret_file": tmp_path / "secret",
            "quiet_seconds": 0.05,
        }
        return IngestSettings(**(given | more))

    return make


@pytest.fixture
def runtime(settings: Callable[..., IngestSettings]) -> Iterator[Runtime[IngestSettings]]:
    with start("ingest", settings()) as runtime:
        runtime.log.create_topics({RECEIVED: 1, dead_letters(RECEIVED): 1})
        yield runtime
