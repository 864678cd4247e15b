"""The features service: `python -m services.features`."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import sys

from segwatch.contracts.envelope import utc_now
from segwatch.contracts.topics import MEASURED, SEGMENTED
from segwatch.features.profiles import options
from segwatch.features.registry import chosen, feature
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.stage import Stage, run_stage
from segwatch.volumes.store import VolumeStore
from services.features.handler import NAME, Measuring
from services.features.metrics import FeaturesMetrics
from services.features.settings import FeaturesSettings


def run(runtime: Runtime[FeaturesSettings]) -> None:
    """Wire the stage and run it until it is asked to stop."""
    settings = runtime.settings
    measuring = Measuring(
        store=VolumeStore(settings.store),
        options=options(settings.profile, settings.components),
        features=tuple(map(feature, chosen(settings.features))),
        metrics=FeaturesMetrics(runtime.telemetry.registry),
        now=utc_now,
    )
    run_stage(Stage(NAME, [SEGMENTED], measuring.handle, writes=[MEASURED]), runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, FeaturesSettings, run))
