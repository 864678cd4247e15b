"""What a firewall must let through: `python -m deploy.doors` writes the table of its page.

The rows that Kubernetes enforces are read from the network policies in `k8s/`: each rule whose other side is
not one of our own pods must have its reason here, and each reason a rule. The rest is what no policy can say,
since nothing of ours opens it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from deploy.local.machine.folders import ROOT

PAGE = ROOT / "docs" / "operations" / "firewall.md"
BEGIN, END = "<!-- written by `python -m deploy.doors` -->\n", "<!-- end -->\n"
FOLDERS = ("base", "components", "overlays")
Rule = tuple[str, str, int]
"""A policy's name, `from` or `to`, and a port."""


@dataclass(frozen=True)
class OpenDoor:
    """Why a door is open, and between whom.

    Attributes:
        source, target: who opens the connection, and to whom.
        protocol: what is spoken.
        why: what would not work without.
        crosses: whether it leaves or enters the hospital's or the centre's own network.
    """

    source: str
    target: str
    protocol: str
    why: str
    crosses: bool = False


REASONS: dict[Rule, OpenDoor] = {
    ("names", "to", 53): OpenDoor("all pods", "the cluster's DNS", "DNS, UDP and TCP", "names"),
    ("services", "from", 8080): OpenDoor(
        "Prometheus", "each service", "HTTP", "metrics; probes come from the node"
    ),
    ("ingest", "from", 11112): OpenDoor(
        "PACS, scanners", "ingest", "DICOM over TLS", "studies come in by C-STORE", True
    ),
    ("ingest", "from", 8042): OpenDoor(
        "PACS, senders", "ingest", "HTTPS", "studies come in by STOW-RS", True
    ),
    ("bridge", "to", 9094): OpenDoor(
        "bridge",
        "the centre's Kafka",
        "Kafka over TLS, both show certificates",
        "releases leave; nothing else does",
        True,
    ),
    ("bridge", "from", 8083): OpenDoor(
        "Strimzi", "bridge", "HTTP", "its operator gives the worker its orders"
    ),
    ("bridge", "from", 9404): OpenDoor("Prometheus", "bridge", "HTTP", "whether releases leave"),
    ("kafka-from-keda", "from", 9093): OpenDoor(
        "KEDA", "Kafka", "Kafka over TLS", "how many studies wait, where its component is used"
    ),
    ("kafka", "from", 9090): OpenDoor("Strimzi", "Kafka", "TLS", "its operator"),
    ("kafka", "from", 9091): OpenDoor("Strimzi", "Kafka", "TLS", "its operator"),
    ("kafka", "from", 9404): OpenDoor("Prometheus", "Kafka", "HTTP", "the brokers' own metrics"),
    ("kafka", "from", 8443): OpenDoor("Strimzi", "Kafka", "HTTPS", "its operator"),
    ("kafka-operator", "to", 443): OpenDoor(
        "Strimzi's entity operator", "Kubernetes' API", "HTTPS", "topics and users"
    ),
    ("kafka-operator", "to", 6443): OpenDoor(
        "Strimzi's entity operator", "Kubernetes' API", "HTTPS", "topics and users"
    ),
    ("log-keeper", "to", 443): OpenDoor(
        "log-keeper",
        "Kubernetes' API",
        "HTTPS",
        "certificates into Secrets; only in `small`",
    ),
    ("log-keeper", "to", 6443): OpenDoor(
        "log-keeper",
        "Kubernetes' API",
        "HTTPS",
        "certificates into Secrets; only in `small`",
    ),
    ("kafka-from-hospitals", "from", 9094): OpenDoor(
        "each hospital's bridge",
        "the centre's Kafka",
        "Kafka over TLS, both show certificates",
        "releases come in",
        True,
    ),
}
NO_POLICY: tuple[tuple[str, OpenDoor], ...] = (
    (
        "123/udp",
        OpenDoor(
            "each node or server",
            "an NTP server",
            "NTP",
            "certificates, heartbeats and windows go by the clock",
        ),
    ),
    (
        "53",
        OpenDoor(
            "each node or server", "the hospital's DNS", "DNS", "the names of the centre and of the PACS"
        ),
    ),
    (
        "104 or 11112",
        OpenDoor(
            "ingest",
            "PACS",
            "DICOM",
            "C-FIND, C-MOVE: only with `SEGWATCH_PACS` or a backfill; opens a policy of your own",
        ),
    ),
    (
        "443 or 25",
        OpenDoor(
            "Alertmanager",
            "who is told",
            "HTTPS, SMTP",
            "pages; see `contacts.yaml` ([alerting](../alerting.md))",
        ),
    ),
    (
        "443",
        OpenDoor(
            "each node", "a registry of images", "HTTPS", "at installation only; none on an air-gapped site"
        ),
    ),
)


def outside_rules() -> set[Rule]:
    """Each rule of the network policies whose other side is not one of our own pods."""
    return {rule for policy in _policies() for rule in _outside(policy)}


def table() -> str:
    """The table as Markdown.

    Raises:
        KeyError: a policy opens a door for which nobody gave a reason.
    """
    head = "| from | to | port | protocol | why | crosses the border |\n|---|---|---|---|---|---|\n"
    rules = sorted(outside_rules(), key=lambda rule: (not REASONS[rule].crosses, *rule))
    rows = [_row(str(port), REASONS[policy, side, port]) for policy, side, port in rules]
    return head + "".join([*rows, *(_row(port, reason) for port, reason in NO_POLICY)])


def main() -> None:
    """Write it into its page."""
    text = PAGE.read_text()
    PAGE.write_text(
        re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", BEGIN + table() + END, text, flags=re.DOTALL)
    )


def _row(port: str, reason: OpenDoor) -> str:
    crosses = "yes" if reason.crosses else ""
    return f"| {reason.source} | {reason.target} | {port} | {reason.protocol} | {reason.why} | {crosses} |\n"


def _policies() -> Iterator[dict[str, Any]]:
    for folder in FOLDERS:
        for file in sorted((ROOT / "k8s" / folder).rglob("*.yaml")):
            if file.name == "kustomization.yaml":
                continue
            for each in yaml.safe_load_all(file.read_text()):
                if isinstance(each, dict) and each.get("kind") == "NetworkPolicy":
                    yield each


def _outside(policy: dict[str, Any]) -> Iterator[Rule]:
    name, spec = policy["metadata"]["name"], policy["spec"]
    for side, rules in (("from", spec.get("ingress", ())), ("to", spec.get("egress", ()))):
        for rule in rules:
            peers = rule.get(side, [{}])
            if all("podSelector" in peer and "namespaceSelector" not in peer for peer in peers):
                continue  # our own pods, in our own namespace
            yield from ((name, side, each["port"]) for each in rule["ports"] if isinstance(each["port"], int))


if __name__ == "__main__":
    main()
