"""Images to read: an asymmetric little CT, and the folder of real data where it is there."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from segwatch.volumes.image import Volume
from tests.support.images import dicom_slices, little_ct, save_all

REAL = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def real_data() -> Path:
    if not REAL.is_dir():
        pytest.skip(f"the real data are not at {REAL}")
    return REAL


@pytest.fixture
def ct() -> Volume:
    return little_ct()


@pytest.fixture
def make_slices() -> Callable[..., list[Dataset]]:
    return dicom_slices


@pytest.fixture
def save() -> Callable[[Sequence[Dataset], Path], list[Path]]:
    return save_all
