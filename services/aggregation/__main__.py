"""`python -m services.aggregation`: counts the site's studies, and releases blocks under its policy."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import sys
import threading

from segwatch.aggregation.aggregation import NAME, Aggregation
from segwatch.aggregation.audit_log.log_file import has_room
from segwatch.aggregation.books import SiteContext
from segwatch.aggregation.mechanism.demo_noise import choose_noise
from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.aggregation.stop_rule import StopRule, read_stop_rule
from segwatch.contracts.envelope import utc_now
from segwatch.contracts.topics import DEAD_LETTERS, DECISIONS, LEDGER, RELEASE, SCORED
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.steps import await_topics, run_steps
from services.aggregation.change_metrics import LocalChangeCollector
from services.aggregation.heartbeat import Heartbeats
from services.aggregation.metrics import SiteCollector
from services.aggregation.quality import PATH, SiteQuality
from services.aggregation.settings import AggregationSettings

LAST_BEAT_SECONDS = 1.0
TOPICS = (SCORED, *DEAD_LETTERS, LEDGER, RELEASE, DECISIONS)


def run(runtime: Runtime[AggregationSettings]) -> None:
    """Wire the service to its log, and step until asked to stop."""
    settings = runtime.settings
    policy = read_policy(settings.policy)
    noise_under = choose_noise(policy, settings.demo_noise_seed)
    site = SiteContext(settings.site, policy, settings.audit_log, noise_under, utc_now)
    await_topics(TOPICS, runtime)
    service = Aggregation(runtime.log, site, runtime.telemetry, runtime.alive)
    runtime.telemetry.registry.register(SiteCollector(service, utc_now))
    runtime.telemetry.registry.register(LocalChangeCollector(lambda: service.change))
    rule = read_stop_rule(settings.stop_rule) if settings.stop_rule else StopRule()
    quality = SiteQuality(service, rule, runtime.is_ready, utc_now)
    runtime.telemetry.registry.register(quality)
    runtime.telemetry.pages[PATH] = quality.page
    heartbeats = Heartbeats(runtime.log, site.name, policy, utc_now)
    thread = threading.Thread(
        target=heartbeats.run,
        args=(lambda: _open_epoch(runtime, service), runtime.stop),
        name="segwatch-heartbeats",
        daemon=True,
    )
    thread.start()
    try:
        run_steps(service, runtime)
    finally:
        runtime.stop.set()
        thread.join(LAST_BEAT_SECONDS)


def _open_epoch(runtime: Runtime[AggregationSettings], service: Aggregation) -> int | None:
    """The epoch in which blocks can close and leave now; None where they cannot."""
    books = service.books
    if not runtime.is_ready() or not has_room(runtime.settings.audit_log):
        return None
    return books.ledger.epoch.epoch if books is not None and books.ledger.epoch is not None else None


if __name__ == "__main__":
    sys.exit(main(NAME, AggregationSettings, run))
