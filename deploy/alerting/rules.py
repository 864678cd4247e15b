"""The rules as Prometheus loads them: with links that open, where an operator has said to what."""

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml

from deploy.alerting.contacts import Links

RULES = Path(__file__).resolve().parents[1] / "rules"
RUNBOOKS = "deploy/runbooks/"
BOARDS = {"centre": "segwatch-federation", "hospital": "segwatch-site"}
"""The dashboard to look at, by the rule file: its uid in Grafana."""


GROUND = "ground"
"""The rules that a hospital's Prometheus and the centre's both have, beside their own."""


def rule_file(name: str) -> dict[str, Any]:
    """What a Prometheus of ours loads: `centre` or `hospital`, with what both have."""
    own, ground = (yaml.safe_load((RULES / f"{each}.yaml").read_text()) for each in (name, GROUND))
    return {"groups": [*own["groups"], *ground["groups"]]}


def linked(rules: dict[str, Any], name: str, links: Links | None) -> dict[str, Any]:
    """Rules whose alerts lead to the published runbook and to the dashboard of their site.

    Args:
        rules: a rule file's content; it is not changed.
        name: `centre` or `hospital`.
        links: None leaves the paths as they are.
    """
    if links is None:
        return rules
    groups = [
        {**group, "rules": [_linked(rule, name, links) for rule in group["rules"]]}
        for group in rules["groups"]
    ]
    return {**rules, "groups": groups}


def _linked(rule: dict[str, Any], name: str, links: Links) -> dict[str, Any]:
    if "alert" not in rule:
        return rule
    runbook = rule["annotations"]["runbook_url"].removeprefix(RUNBOOKS)
    board = urljoin(_folder(links.grafana), f"d/{BOARDS[name]}")
    return {
        **rule,
        "annotations": {
            **rule["annotations"],
            "runbook_url": urljoin(_folder(links.runbooks), runbook),
            "dashboard_url": board + "?var-site={{ $labels.site }}",
        },
    }


def _folder(url: str) -> str:
    return url if url.endswith("/") else url + "/"
