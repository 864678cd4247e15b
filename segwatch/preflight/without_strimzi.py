"""What manifests say of a log that no Strimzi keeps (k8s/components/plain-kafka)."""

from collections.abc import Iterable

from segwatch.preflight.findings import Finding, unused
from segwatch.preflight.manifests import Manifests, Object

KEEPER, BRIDGE = "log-keeper", "bridge-connect"


def is_kept(found: Manifests) -> bool:
    """Whether the pod `log-keeper` makes topics and gives rights."""
    return KEEPER in found.names()


def by_the_keeper(check: str) -> Finding:
    """Its readiness says whether they are as they must be."""
    return unused(check, f"the pod {KEEPER} sees to it, and is ready while all is as it must be")


def told_to_the_bridge(found: Manifests, name: str) -> list[str]:
    """A value of the environment of a bridge that is a pod of ours."""
    return [
        str(each["value"])
        for workload in found.workloads()
        if workload["metadata"]["name"] == BRIDGE
        for container in workload["spec"]["template"]["spec"]["containers"]
        for each in container.get("env", ())
        if each["name"] == name and each.get("value")
    ]


def on_one_node(workloads: Iterable[Object]) -> bool:
    """Whether pods are bound to lie on the node of the others."""
    return all(_bound(each["spec"]["template"]["spec"]) for each in workloads)


def _bound(pod: Object) -> bool:
    affinity = (pod.get("affinity") or {}).get("podAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return any(each.get("topologyKey") == "kubernetes.io/hostname" for each in terms)
