"""Which metrics there are, from the services' code and the recording rules; and which a query asks for."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from segwatch.detection.dispersion import Spread
from services.aggregation.change_metrics import LocalChangeCollector
from services.federation.accounting import AccountCollector
from services.federation.change_metrics import ChangeCollector
from services.federation.metrics import FleetCollector

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = ("", "_total", "_bucket", "_sum", "_count")
FROM_PROMETHEUS = {"up", "ALERTS"}
FROM_KUBERNETES = {
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    *re.findall(r"name: (segwatch_\w+)", (ROOT / "k8s/components/bridge/metrics.yaml").read_text()),
}
FROM_THE_CLIENT = {"process_start_time_seconds"}
VARIABLES = {"$stratum": ".+", "$__rate_interval": "5m", "$site": ".+", "$window": ".+"}


def known_metrics() -> set[str]:
    """Every metric that a rule or a panel may ask for."""
    return _of_services() | recorded() | FROM_PROMETHEUS | FROM_THE_CLIENT | FROM_KUBERNETES


def recorded() -> set[str]:
    """Series that recording rules make."""
    files = (ROOT / "deploy" / "rules").glob("*.yaml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def _of_services() -> set[str]:
    """Names that services write as a word; those that put names together are asked."""
    words = {
        node.value
        for room in ("segwatch", "services")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("segwatch_")
    }
    asked = (
        FleetCollector(dict),
        AccountCollector(dict, lambda: 0.0),
        ChangeCollector(dict, Spread),
        LocalChangeCollector(lambda: None),
    )
    words |= {family.name for collector in asked for family in collector.collect()}
    return {word + suffix for word in words for suffix in SUFFIXES}


def metrics_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression asks for.

    Raises:
        ValueError: it does not parse.
    """
    names = set()

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            names.add(node.name)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return names


def substituted(expression: str) -> str:
    """A panel's expression with its dashboard's variables set to everything."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def panels_of(name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(title, targets) of each panel of a committed dashboard."""
    board = json.loads((ROOT / "deploy" / "dashboards" / name).read_text())
    for panel in board["panels"]:
        for each in (panel, *panel.get("panels", [])):
            if each.get("targets"):
                yield each["title"], each["targets"]
