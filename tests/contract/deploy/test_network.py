"""The meaning of the network policies: the whole graph of who may reach whom, from the rendered manifests.

Nothing here enforces a policy, so they are evaluated as Kubernetes defines them: a pod that no policy selects
is open; one that is selected may do what any of its policies allows.
"""

import ipaddress
from dataclasses import dataclass, field
from itertools import product

import pytest

PORTS = (53, 443, 5432, 6443, 8042, 8080, 8083, 8443, 9090, 9091, 9093, 9094, 9404, 11112)
ELSEWHERE = "203.0.113.9"


@dataclass(frozen=True)
class Peer:
    """A pod (namespace and labels), or an address outside."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    address: str | None = None


def world(manifests, namespace):
    """Everybody who could want something."""
    pods = [
        Peer(each["metadata"]["name"], namespace, each["spec"]["template"]["metadata"]["labels"])
        for each in manifests
        if each["kind"] in {"Deployment", "StatefulSet"}
    ]
    pods += [
        Peer(name, namespace, {"strimzi.io/name": f"log-{name}"}) for name in ("kafka", "entity-operator")
    ]
    if any(each["kind"] == "KafkaConnect" for each in manifests):
        pods.append(Peer("connect", namespace, {"strimzi.io/name": "bridge-connect"}))
    return [
        *pods,
        Peer("a stranger in the namespace", namespace, {"app": "stranger"}),
        Peer("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"}),
        Peer("a stranger beside prometheus", "monitoring", {"app": "stranger"}),
        Peer("dns", "kube-system", {"k8s-app": "kube-dns"}),
        Peer("strimzi", "strimzi", {"name": "strimzi-cluster-operator"}),
        Peer("the centre", address="198.51.100.7"),
        Peer("the PACS", address="192.0.2.7"),
        Peer("elsewhere", address=ELSEWHERE),
    ]


def selects(selector, labels):
    assert set(selector) <= {"matchLabels"}, "the evaluator knows no other selectors"
    return selector.get("matchLabels", {}).items() <= labels.items()


def matches(rule_peer, peer, own):
    if "ipBlock" in rule_peer:
        network = ipaddress.ip_network(rule_peer["ipBlock"]["cidr"])
        return peer.address is not None and ipaddress.ip_address(peer.address) in network
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule_peer:
        if not selects(rule_peer["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif peer.namespace != own:
        return False
    return selects(rule_peer.get("podSelector", {}), peer.labels)


def one_way(policies, own, pod, peer, port, direction):
    """Whether `pod`'s policies let it speak to (Egress) or hear (Ingress) `peer` on `port`."""
    if pod.namespace != own:
        return True
    side, key = ("to", "egress") if direction == "Egress" else ("from", "ingress")
    selecting = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for spec in selecting for rule in spec.get(key, [])]
    return not selecting or any(
        any(each["port"] == port for each in rule["ports"])
        and (side not in rule or any(matches(each, peer, own) for each in rule[side]))
        for rule in rules
    )


def edges(manifests):
    """{(from, to, port)} that the policies allow, with one end in the namespace."""
    policies = [each for each in manifests if each["kind"] == "NetworkPolicy"]
    (own,) = (each["metadata"]["name"] for each in manifests if each["kind"] == "Namespace")
    return {
        (source.name, target.name, port)
        for source, target, port in product(world(manifests, own), world(manifests, own), PORTS)
        if own in {source.namespace, target.namespace}
        and one_way(policies, own, source, target, port, "Egress")
        and one_way(policies, own, target, source, port, "Ingress")
    }


KAFKA = {
    ("kafka", "kafka", 9090),
    ("kafka", "kafka", 9091),
    ("entity-operator", "kafka", 9091),
    ("strimzi", "kafka", 8443),
    ("strimzi", "kafka", 9090),
    ("strimzi", "kafka", 9091),
    ("prometheus", "kafka", 9404),
}
OUTSIDE = (
    "dns",
    "strimzi",
    "prometheus",
    "a stranger beside prometheus",
    "the centre",
    "the PACS",
    "elsewhere",
)
TO_KUBERNETES = {("entity-operator", outside, port) for outside in OUTSIDE for port in (443, 6443)}
"""The API server's address is not known beforehand, so these two ports are open to the entity operator."""
SERVICES = ("ingest", "segmentation", "features", "scoring", "aggregation")


def names(pods):
    return {(pod, "dns", 53) for pod in pods}


def test_a_hospitals_doors_are_the_real_edges_and_no_others(rendered):
    pods = (*SERVICES, "operator", "kafka", "entity-operator", "connect", "a stranger in the namespace")
    expected = (
        KAFKA
        | TO_KUBERNETES
        | names(pods)
        | {(service, "kafka", 9093) for service in SERVICES}
        | {("prometheus", service, 8080) for service in SERVICES}
        | {("the PACS", "ingest", 11112), ("the PACS", "ingest", 8042)}
        | {
            ("operator", "kafka", 9093),
            ("connect", "kafka", 9093),
            ("connect", "the centre", 9094),
            ("strimzi", "connect", 8083),
            ("prometheus", "connect", 9404),
        }
    )

    assert edges(rendered("hospital")) == expected


def test_the_centres_doors_are_the_real_edges_and_no_others(rendered):
    outside = (
        "the centre",
        "the PACS",
        "elsewhere",
        "prometheus",
        "a stranger beside prometheus",
        "dns",
        "strimzi",
    )
    expected = (
        KAFKA
        | TO_KUBERNETES
        | names(("federation", "operator", "kafka", "entity-operator", "a stranger in the namespace"))
        | {("federation", "kafka", 9093), ("operator", "kafka", 9093), ("prometheus", "federation", 8080)}
        | {(hospital, "kafka", 9094) for hospital in outside}
    )

    assert edges(rendered("central")) == expected


def test_strimzis_own_policy_lets_in_no_more_than_ours(rendered):
    """Policies add up, and Strimzi makes one for each listener: without peers it is open to everybody."""
    manifests = rendered("hospital")
    (kafka,) = (each for each in manifests if each["kind"] == "Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    (own,) = (each["metadata"]["name"] for each in manifests if each["kind"] == "Namespace")

    let_in = {
        peer.name
        for peer in world(manifests, own)
        if any(matches(rule, peer, own) for rule in listener["networkPolicyPeers"])
    }

    assert let_in == {
        source for source, target, port in edges(manifests) if (target, port) == ("kafka", 9093)
    }


def test_nothing_but_the_bridge_can_leave_the_hospital_for_the_centres_port(rendered):
    leaving = {
        source
        for source, target, port in edges(rendered("hospital"))
        if target == "the centre" and port == 9094
    }

    assert leaving == {"connect"}


@pytest.mark.parametrize("policy", ["deny-all", "bridge", "ingest", "kafka"])
def test_the_evaluator_notices_a_policy_that_is_gone(rendered, policy):
    manifests = rendered("hospital")
    fewer = [
        each for each in manifests if each["kind"] != "NetworkPolicy" or each["metadata"]["name"] != policy
    ]

    assert len(fewer) == len(manifests) - 1
    assert edges(fewer) != edges(manifests)
