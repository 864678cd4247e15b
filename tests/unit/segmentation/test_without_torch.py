"""Where no model is configured, the service starts and works without torch being installed."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]
# `None` in sys.modules makes an import fail as it does where the package is not installed.
SCRIPT = """
    import sys
    for name in ("torch", "nnunetv2", "lungmask"):
        sys.modules[name] = None
    from pathlib import Path
    from prometheus_client import CollectorRegistry
    from segwatch.errors import BadSettings
    from services.segmentation.__main__ import run
    from services.segmentation.models import load_lesion_model, load_lung_model
    from services.segmentation.handler import Segmentation, StudySource
    from services.segmentation.settings import SegmentationSettings
    from segwatch.volumes.store import VolumeStore

    settings = SegmentationSettings(log="embedded", log_file="log.db", store=sys.argv[1])
    assert load_lesion_model(settings) is None
    assert load_lung_model(settings) is None
    Segmentation(VolumeStore(settings.store), StudySource(CollectorRegistry()))

    configured = settings.model_copy(update={"lesion_model": Path("deploy/models/demo-lesion")})
    try:
        load_lesion_model(configured)
    except BadSettings as error:
        assert "segwatch[segmentation]" in str(error), error
    else:
        raise AssertionError("a model was loaded without torch")
"""


def test_the_service_needs_torch_only_for_a_model(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
