"""The scoring service: `python -m services.scoring`."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import sys
from collections.abc import Callable

from segwatch.contracts.envelope import utc_now
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.topics import MEASURED, SCORED, SCORER_DECISIONS
from segwatch.errors import BadSettings, ScorerAway
from segwatch.scoring.bundle import Scorer, load
from segwatch.serving.decisions import ScorerDecisions
from segwatch.serving.roles import roles
from segwatch.streaming.closing import bounded
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.stage import Stage, run_stage
from segwatch.streaming.steps import await_topics
from services.scoring.handler import NAME, Scoring
from services.scoring.metrics import ScoringMetrics
from services.scoring.settings import ScoringSettings


def run(runtime: Runtime[ScoringSettings]) -> None:
    """Wire the stage and run it until it is asked to stop.

    Raises:
        RefusedModel: a bundle does not load.
        BadSettings: by the last decision another scorer counts than those that the settings name.
    """
    settings = runtime.settings
    scorer = runtime.load(lambda: load(settings.scorer))
    shadow = None if settings.shadow_scorer is None else load(settings.shadow_scorer)
    await_topics([SCORER_DECISIONS], runtime)
    decisions = ScorerDecisions(runtime.log)
    try:
        _serve(runtime, scorer, shadow, decisions.last)
    finally:
        bounded(decisions.close, "the decisions")


def _serve(
    runtime: Runtime[ScoringSettings],
    scorer: Scorer,
    shadow: Scorer | None,
    decided: Callable[[], ScorerDecision | None],
) -> None:
    metrics = ScoringMetrics(runtime.telemetry.registry)
    scoring = Scoring(scorer=scorer, metrics=metrics, now=utc_now, shadow=shadow, decided=decided)
    try:
        scoring.metrics.serve(roles(scoring.scorer, scoring.shadow, decided()))
    except ScorerAway as away:
        raise BadSettings(str(away)) from None
    run_stage(Stage(NAME, [MEASURED], scoring.handle, writes=[SCORED]), runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, ScoringSettings, run))
