"""`python -m services.federation`: at the centre, every site's rolling quality for Prometheus."""

import logging
import sys

from segwatch.errors import LogRefused, Transient
from segwatch.streaming.attempts import delays
from segwatch.streaming.runtime import Runtime, main
from services.federation.handler import NAME, Federation
from services.federation.metrics import FleetCollector
from services.federation.settings import FederationSettings

POLL_SECONDS = 1.0
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0

_log = logging.getLogger(__name__)


def run(runtime: Runtime[FederationSettings]) -> None:
    """Wire the service to its log, and step until asked to stop."""
    settings = runtime.settings
    service = Federation(runtime.log, settings.site_names(), settings.window_pulses)
    runtime.telemetry.registry.register(FleetCollector(service.sites))
    waits = delays(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS)
    try:
        while not runtime.stop.is_set():
            runtime.alive()
            try:
                service.step(POLL_SECONDS)
                runtime.ready(service.caught_up)
            except (Transient, LogRefused) as error:
                runtime.ready(False)
                runtime.telemetry.retries.labels(NAME, type(error).__name__).inc()
                _log.warning("waiting, then trying again: %s", error)
                service.start_again()
                runtime.stop.wait(next(waits))
            else:
                waits = delays(FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS)
    finally:
        runtime.ready(False)
        service.close()


if __name__ == "__main__":
    sys.exit(main(NAME, FederationSettings, run))
