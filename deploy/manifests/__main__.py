"""`python -m deploy.manifests` writes topics, users, rules and alerting into `k8s/`.

The centre's sites are read from `k8s/overlays/central/sites.txt`, one name a line: to let a hospital in, add
its name there and run the command. Who is told, and what links begin with, is read from each overlay's
`contacts.yaml`.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from deploy.alerting.contacts import Links, read_contacts
from deploy.alerting.kubernetes import alertmanager_config
from deploy.alerting.rules import linked, rule_file
from deploy.manifests import plain_kafka
from deploy.manifests.kafka_topics import centre_topics, site_topics
from segwatch.streaming.access import HOSPITAL, SITE_BYTES_A_SECOND, Access, centre, grants

NO_LIMITS: Mapping[str, int] = MappingProxyType({})
ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
SITES = K8S / "overlays" / "central" / "sites.txt"
HEADER = "# Written by `python -m deploy.manifests`; change its tables, not this file.\n"


def rendered() -> dict[Path, str]:
    """Each file's text, by its path."""
    sites = SITES.read_text().split()
    return {
        K8S / "components/site-log/topics.yaml": _documents(site_topics()),
        K8S / "components/site-log/users.yaml": _documents(_users(HOSPITAL)),
        K8S / "overlays/central/sites.env": f"{HEADER}SITES={','.join(sites)}\n",
        K8S / "overlays/central/sites.yaml": _documents(
            [*centre_topics(sites), *_users(centre(sites), dict.fromkeys(sites, SITE_BYTES_A_SECOND))]
        ),
        **{K8S / "components/plain-kafka" / name: text for name, text in plain_kafka.files().items()},
        K8S / "components/plain-kafka/secrets.yaml": _documents(plain_kafka.empty_secrets()),
        **_alerting("hospital", "hospital", "segwatch"),
        **_alerting("central", "centre", "segwatch-centre"),
    }


def main() -> None:
    """Write them."""
    for path, text in rendered().items():
        path.write_text(text)


def _users(principals: dict[str, Access], limits: Mapping[str, int] = NO_LIMITS) -> list[dict[str, Any]]:
    """Strimzi's KafkaUser of each principal, with a client certificate and literal rights.

    Args:
        principals: their rights.
        limits: bytes a second that some may write at most: one hospital cannot fill every site's disk.
    """
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {"name": name, "labels": {"strimzi.io/cluster": "log"}},
            "spec": {
                "authentication": {"type": "tls"},
                "authorization": {"type": "simple", "acls": _rights(access)},
                **({"quotas": {"producerByteRate": limits[name]}} if name in limits else {}),
            },
        }
        for name, access in principals.items()
    ]


def _rights(access: Access) -> list[dict[str, Any]]:
    return [
        {
            "resource": {"type": grant.kind, "name": grant.name, "patternType": "literal"},
            "operations": list(grant.operations),
        }
        for grant in grants(access)
    ]


def _alerting(overlay: str, name: str, namespace: str) -> dict[Path, str]:
    """An overlay's rules, and its routes by its contacts."""
    folder = K8S / "overlays" / overlay
    contacts = read_contacts(folder / "contacts.yaml")
    return {
        folder / "rules.yaml": _documents([_rules(name, namespace, contacts.links)]),
        folder / "alerting.yaml": _documents([alertmanager_config(contacts)]),
    }


def _rules(name: str, namespace: str, links: Links | None) -> dict[str, Any]:
    """The rules that the local stack runs, as prometheus-operator reads them.

    Each alert bears its namespace: by this label the operator's Alertmanager hands it to our routes.
    """
    rules = linked(rule_file(name), name, links)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["labels"] = {**rule["labels"], "namespace": namespace}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"segwatch-{name}"},
        "spec": rules,
    }


def _documents(manifests: list[dict[str, Any]]) -> str:
    return HEADER + yaml.safe_dump_all(manifests, sort_keys=False, width=110)


if __name__ == "__main__":
    main()
