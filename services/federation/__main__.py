"""`python -m services.federation`: at the centre, every site's rolling quality for Prometheus."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import sys

from segwatch.federation.drift import usual_features
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.steps import run_steps
from segwatch.streaming.telemetry import show_partitions
from services.federation.accounting import AccountCollector
from services.federation.change_metrics import ChangeCollector
from services.federation.drift_metrics import DriftCollector
from services.federation.handler import NAME, Federation
from services.federation.metrics import FleetCollector
from services.federation.settings import FederationSettings
from services.federation.sharing import Sharing


def run(runtime: Runtime[FederationSettings]) -> None:
    """Wire the service to its log, and step until asked to stop."""
    settings = runtime.settings
    service = Federation(
        runtime.log,
        settings.site_names(),
        settings.window_pulses,
        pages_a_month=settings.false_pages_a_month,
        dispersion=settings.dispersion,
        look_around=lambda: show_partitions(runtime.telemetry, runtime.log),
        sharing=Sharing(runtime.log) if settings.share_sites else None,
    )
    runtime.telemetry.registry.register(FleetCollector(service.sites))
    runtime.telemetry.registry.register(AccountCollector(service.accounts, service.listening_since))
    runtime.telemetry.registry.register(ChangeCollector(service.changes, service.spread, service.others))
    if settings.training_manifest is not None:
        usual = usual_features(settings.training_manifest)
        runtime.telemetry.registry.register(DriftCollector(service.sites, usual))
    run_steps(service, runtime)


if __name__ == "__main__":
    sys.exit(main(NAME, FederationSettings, run))
