"""The rules as Prometheus loads them: with links that open, where an operator has said to what."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml

from deploy.alerting.contacts import Links
from segwatch.dashboards.board import RUNBOOKS as IN_PANELS

RULES = Path(__file__).resolve().parents[1] / "rules"
RUNBOOKS = "deploy/runbooks/"
BOARDS = {"centre": ("federation", "federation_site"), "hospital": ("site", "pipeline", "strata", "privacy")}
"""The dashboards that show what a rule file is about; each is a file in deploy/dashboards."""
OF_SITE = "var-site={{ $labels.site }}"
FIRST_BOARD = {"centre": f"d/segwatch-federation?{OF_SITE}", "hospital": f"d/segwatch-site?{OF_SITE}"}
"""Where a page leads that no panel is about."""
DASHBOARDS = RULES.parent / "dashboards"


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
    panels = panels_of_alerts(name)
    groups = [
        {**group, "rules": [_linked(rule, panels, name, links) for rule in group["rules"]]}
        for group in rules["groups"]
    ]
    return {**rules, "groups": groups}


def panels_of_alerts(name: str) -> dict[str, str]:
    """Under each alert the panel that shows what it is about, as the end of Grafana's address.

    A panel names its alerts by its links to their runbooks: page, panel and runbook lead to each other.
    """
    found = {}
    for file in BOARDS[name]:
        board = json.loads((DASHBOARDS / f"{file}.json").read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for link in panel.get("links") or []:
                alert = link["url"].removeprefix(IN_PANELS).removesuffix(".md")
                found[alert] = f"d/{board['uid']}?{OF_SITE}&viewPanel={panel['id']}"
    return found


def _linked(rule: dict[str, Any], panels: dict[str, str], name: str, links: Links) -> dict[str, Any]:
    if "alert" not in rule:
        return rule
    runbook = rule["annotations"]["runbook_url"].removeprefix(RUNBOOKS)
    return {
        **rule,
        "annotations": {
            **rule["annotations"],
            "runbook_url": urljoin(_folder(links.runbooks), runbook),
            "dashboard_url": _folder(links.grafana) + panels.get(rule["alert"], FIRST_BOARD[name]),
        },
    }


def _folder(url: str) -> str:
    return url if url.endswith("/") else url + "/"
