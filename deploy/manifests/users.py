"""Strimzi's KafkaUser of each principal, with a client certificate and literal rights."""

from typing import Any

from deploy.manifests.access import Access

Manifest = dict[str, Any]


def user(name: str, access: Access) -> Manifest:
    """The KafkaUser of one principal."""
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": "log"}},
        "spec": {
            "authentication": {"type": "tls"},
            "authorization": {"type": "simple", "acls": rights(access)},
        },
    }


def rights(access: Access) -> list[Manifest]:
    """The rights as Strimzi writes them: one entry a resource, nothing by prefix or wildcard."""
    operations: dict[tuple[str, str], list[str]] = {}
    for topic in access.reads:
        operations.setdefault(("topic", topic), []).append("Read")
    for topic in access.writes:
        operations.setdefault(("topic", topic), []).append("Write")
    if access.group is not None:
        operations["group", access.group] = ["Read"]
    return [
        {
            "resource": {"type": kind, "name": name, "patternType": "literal"},
            "operations": [*allowed, "Describe"],
        }
        for (kind, name), allowed in operations.items()
    ]
