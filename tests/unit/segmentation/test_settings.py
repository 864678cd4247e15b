"""What may not be configured."""

import pytest

from segwatch.errors import BadSettings
from segwatch.streaming.settings import load_settings
from services.segmentation.settings import SegmentationSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(tmp_path / "log.db"))
    monkeypatch.setenv("SEGWATCH_STORE", str(tmp_path))
    return monkeypatch


def test_a_store_is_enough():
    settings = load_settings(SegmentationSettings)
    assert (settings.lesion_model, settings.lung_weights, settings.device) == (None, None, "cpu")


def test_lung_weights_without_a_pin_are_refused(environment):
    environment.setenv("SEGWATCH_LUNG_WEIGHTS", "r231.pth")
    with pytest.raises(BadSettings, match="LUNG_WEIGHTS_SHA256"):
        load_settings(SegmentationSettings)


@pytest.mark.parametrize("pin", ["LESION_MODEL_SHA256", "LUNG_WEIGHTS_SHA256"])
def test_a_pin_without_its_file_is_refused(environment, pin):
    environment.setenv(f"SEGWATCH_{pin}", "a" * 64)
    with pytest.raises(BadSettings, match=f"{pin} is set"):
        load_settings(SegmentationSettings)


def test_a_device_that_torch_does_not_know_is_refused(environment):
    environment.setenv("SEGWATCH_DEVICE", "gpu")
    with pytest.raises(BadSettings, match="SEGWATCH_DEVICE"):
        load_settings(SegmentationSettings)
