"""The features service: `python -m services.features`."""

import sys
from datetime import UTC, datetime

from services.contracts.topics import MEASURED, SEGMENTED
from services.features.metrics import FeaturesMetrics
from services.features.profiles import options
from services.features.registry import chosen, feature
from services.features.service import NAME, Measuring
from services.features.settings import FeaturesSettings
from services.streaming.runtime import Runtime, main
from services.streaming.stage import Stage, run_stage
from services.volumes.store import VolumeStore


def run(runtime: Runtime[FeaturesSettings]) -> None:
    """Wire the stage and run it until it is asked to stop."""
    settings = runtime.settings
    measuring = Measuring(
        store=VolumeStore(settings.store),
        options=options(settings.profile, settings.components),
        features=tuple(map(feature, chosen(settings.features))),
        metrics=FeaturesMetrics(runtime.telemetry.registry),
        now=lambda: datetime.now(UTC),
    )
    run_stage(Stage(NAME, [SEGMENTED], measuring.handle, writes=[MEASURED]), runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, FeaturesSettings, run))
