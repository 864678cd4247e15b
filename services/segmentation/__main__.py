"""`python -m services.segmentation`: read settings, load the models, run the stage."""

import sys

from segwatch.contracts.topics import RECEIVED, SEGMENTED
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.stage import Stage, run_stage
from segwatch.volumes.store import VolumeStore
from services.segmentation.handler import NAME, Segmentation, StudySource
from services.segmentation.models import load_lesion_model, load_lung_model, load_opinion
from services.segmentation.settings import SegmentationSettings


def run(runtime: Runtime[SegmentationSettings]) -> None:
    """Load what the settings name and work until asked to stop."""
    settings = runtime.settings
    lesion_model = load_lesion_model(settings)
    runtime.alive()  # importing torch and loading weights takes long on a busy machine
    lung_model = load_lung_model(settings)
    runtime.alive()
    opinion = load_opinion(settings)
    runtime.alive()
    segmentation = Segmentation(
        store=VolumeStore(settings.store),
        studies=StudySource(runtime.telemetry.registry),
        lesion_model=lesion_model,
        lung_model=lung_model,
        mirroring=settings.mirroring,
        opinion=opinion,
    )
    run_stage(Stage(NAME, (RECEIVED,), segmentation.handle, writes=(SEGMENTED,)), runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, SegmentationSettings, run))
