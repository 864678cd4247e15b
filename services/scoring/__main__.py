"""The scoring service: `python -m services.scoring`."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import sys

from segwatch.contracts.envelope import utc_now
from segwatch.contracts.topics import MEASURED, SCORED
from segwatch.scoring.bundle import load
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.stage import Stage, run_stage
from services.scoring.handler import NAME, Scoring
from services.scoring.metrics import ScoringMetrics
from services.scoring.settings import ScoringSettings


def run(runtime: Runtime[ScoringSettings]) -> None:
    """Wire the stage and run it until it is asked to stop."""
    scoring = Scoring(
        scorer=runtime.load(lambda: load(runtime.settings.scorer)),
        metrics=ScoringMetrics(runtime.telemetry.registry),
        now=utc_now,
    )
    run_stage(Stage(NAME, [MEASURED], scoring.handle, writes=[SCORED]), runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, ScoringSettings, run))
