"""`python -m deploy.manifests` writes topics, users and rules into `k8s/`.

The centre's sites are read from `k8s/overlays/central/sites.txt`, one name a line: to let a hospital in, add
its name there and run the command.
"""

from pathlib import Path
from typing import Any

import yaml

from deploy.manifests.access import HOSPITAL, Access, centre, grants
from deploy.manifests.kafka_topics import centre_topics, site_topics

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
        K8S / "overlays/central/sites.yaml": _documents([*centre_topics(sites), *_users(centre(sites))]),
        K8S / "overlays/hospital/rules.yaml": _documents([_rules("hospital")]),
        K8S / "overlays/central/rules.yaml": _documents([_rules("centre")]),
    }


def main() -> None:
    """Write them."""
    for path, text in rendered().items():
        path.write_text(text)


def _users(principals: dict[str, Access]) -> list[dict[str, Any]]:
    """Strimzi's KafkaUser of each principal, with a client certificate and literal rights."""
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {"name": name, "labels": {"strimzi.io/cluster": "log"}},
            "spec": {
                "authentication": {"type": "tls"},
                "authorization": {"type": "simple", "acls": _rights(access)},
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


def _rules(name: str) -> dict[str, Any]:
    """The rules that the local stack runs, as prometheus-operator reads them."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"segwatch-{name}"},
        "spec": yaml.safe_load((ROOT / "deploy" / "rules" / f"{name}.yaml").read_text()),
    }


def _documents(manifests: list[dict[str, Any]]) -> str:
    return HEADER + yaml.safe_dump_all(manifests, sort_keys=False, width=110)


if __name__ == "__main__":
    main()
