"""The metrics that a service adds to those that every service has, as its code has them."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from segwatch.detection.dispersion import Spread
from segwatch.streaming.telemetry import Telemetry
from services.aggregation.change_metrics import LocalChangeCollector
from services.aggregation.metrics import SiteCollector
from services.features.metrics import FeaturesMetrics
from services.federation.accounting import AccountCollector
from services.federation.change_metrics import ChangeCollector
from services.federation.drift_metrics import DriftCollector
from services.federation.metrics import FleetCollector
from services.ingest.studies import AnnouncedStudies
from services.scoring.metrics import ScoringMetrics
from services.segmentation.handler import StudySource
from tests.support.messages import NOW
from tests.support.site_world import World

Shown = tuple[str, str, str]
"""A metric's name as Prometheus sees it, its type, and what its help says."""


def of_aggregation(registry: CollectorRegistry) -> None:
    world = World()
    registry.register(SiteCollector(world.run(world.service()), lambda: NOW))
    registry.register(LocalChangeCollector(lambda: None))


def of_federation(registry: CollectorRegistry) -> None:
    registry.register(FleetCollector(dict))
    registry.register(AccountCollector(dict, lambda: 0.0))
    registry.register(ChangeCollector(dict, Spread))
    registry.register(DriftCollector(dict, {}))


ADDS: Mapping[str, Callable[[CollectorRegistry], Any]] = {
    "ingest": lambda registry: AnnouncedStudies(Telemetry("ingest", registry)),
    "segmentation": StudySource,
    "features": FeaturesMetrics,
    "scoring": ScoringMetrics,
    "aggregation": of_aggregation,
    "federation": of_federation,
}


def of_every_service() -> list[Shown]:
    return shown(Telemetry("any").registry)


def service_metrics(service: str) -> list[Shown]:
    """In the order in which the service declares them."""
    registry = CollectorRegistry()
    ADDS[service](registry)
    return [each for each in shown(registry) if each not in of_every_service()]


def shown(registry: CollectorRegistry) -> list[Shown]:
    families = [each for each in registry.collect() if each.name.startswith("segwatch_")]
    return [
        (f"{each.name}_total" if each.type == "counter" else each.name, each.type, each.documentation)
        for each in families
    ]
