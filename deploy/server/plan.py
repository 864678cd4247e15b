"""What is to be on a server, from its settings: known whole, and sound, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contacts, read_contacts
from deploy.alerting.rules import linked, rule_file
from deploy.local.machine.setting_lines import setting_lines
from deploy.local.stack.prometheus import Target, configuration
from deploy.server import kafka
from deploy.server.layout import ALERTMANAGER_PORT, CONTACTS, ETC, HTTP_PORTS, OPERATOR, Kind, Layout
from deploy.server.settings import environments_of, operators, way_to_the_centre, way_to_the_log
from deploy.server.units import Daemon, programs
from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.contracts.topics import listed_sites
from segwatch.errors import BadInput
from segwatch.preflight.policies import site
from segwatch.streaming.access import PLATFORM, centre

SCRAPE_EVERY = "15s"
NOBODY_YET = {"page": {"webhooks": ["http://127.0.0.1:9096/"]}}
"""Whom the first installation tells: a place where nobody listens."""


@dataclass(frozen=True)
class ServerPlan:
    """A server as its settings ask for it.

    Attributes:
        edited: the settings.
        environments: of each service.
        programs: all that runs, in the order in which it starts.
        contacts: who is told.
    """

    kind: Kind
    edited: Mapping[str, str]
    environments: Mapping[str, Mapping[str, str]]
    programs: list[Daemon]
    contacts: Contacts


def planned(kind: Kind, edited: Mapping[str, str], layout: Layout) -> ServerPlan:
    """The server that the settings ask for; nothing is written.

    Raises:
        BadInput: the settings, the site's policy or the contacts are not what they must be.
    """
    environments = environments_of(kind, edited)
    for name in [edited.get("SITE"), *listed_sites(edited.get("SITES", ""))]:
        named = site({"SITE": name})
        if named.state != "ok":
            raise BadInput(f"{named.what}: {named.remedy}")
    centre(listed_sites(edited.get("SITES", "")))
    if (policy := layout.at(f"{ETC}/policy.yaml")).exists():
        read_policy(policy)
    file = layout.at(CONTACTS)
    contacts = read_contacts(file) if file.exists() else Contacts.model_validate(NOBODY_YET)
    return ServerPlan(kind, edited, environments, programs(kind, list(environments), edited), contacts)


def files(plan: ServerPlan) -> dict[str, str]:
    """Each file that follows from the settings, by where it lies."""
    kind, edited = plan.kind, plan.edited
    rules = f"{ETC}/prometheus/{kind}.yaml"
    name = edited["SITE"] if kind == "hospital" else None
    targets = [Target(each, f"127.0.0.1:{HTTP_PORTS[each]}", name) for each in plan.environments]
    told = f"127.0.0.1:{ALERTMANAGER_PORT}"
    scraped = configuration(targets, [Path(rules)], every=SCRAPE_EVERY, alertmanager=told)
    made = {
        f"{ETC}/kafka/server.properties": kafka.properties(kind, edited),
        f"{ETC}/kafka/platform.properties": kafka.platform_client(),
        rules: _yaml(linked(rule_file(kind), kind, plan.contacts.links)),
        f"{ETC}/prometheus/prometheus.yml": _yaml(scraped),
        f"{ETC}/alertmanager/alertmanager.yml": _yaml(alertmanager(plan.contacts)),
        f"{ETC}/sites": edited.get("SITES", "") + "\n",
    }
    for each in ("backup", PLATFORM):
        made[f"{ETC}/settings/{each}.env"] = setting_lines(way_to_the_log(each, edited))
    made[f"{ETC}/settings/{OPERATOR}.env"] = setting_lines(operators(kind, edited))
    for service, settings in plan.environments.items():
        made[f"{ETC}/settings/{service}.env"] = setting_lines(settings)
    if kind == "hospital" and edited.get("CENTRE_KAFKA"):
        made |= kafka.bridge_files(edited)
        made[f"{ETC}/settings/bridge.env"] = setting_lines(way_to_the_centre(edited))
    return made


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=110)
