"""Strimzi's KafkaUser of each principal, with a client certificate and literal rights."""

from typing import Any

from deploy.manifests.access import Access, grants

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
    """The rights as Strimzi writes them."""
    return [
        {
            "resource": {"type": grant.kind, "name": grant.name, "patternType": "literal"},
            "operations": list(grant.operations),
        }
        for grant in grants(access)
    ]
