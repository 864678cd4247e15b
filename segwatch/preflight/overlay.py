"""A rendered overlay, or the objects of a namespace: what can be seen in manifests."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from segwatch.contracts.topics import CENTRE_TOPICS, HOSPITAL_TOPICS, at_the_centre
from segwatch.preflight.disks import in_gb, size
from segwatch.preflight.findings import Check, Finding, fault, ok, unknown, unused
from segwatch.preflight.manifests import Manifests, Object
from segwatch.preflight.monitoring import selects
from segwatch.preflight.network import reach
from segwatch.preflight.policies import policy_text, site
from segwatch.preflight.topics import TopicState, rights, topics
from segwatch.preflight.without_strimzi import by_the_keeper, is_kept, on_one_node, told_to_the_bridge
from segwatch.streaming.access import HOSPITAL, Access, centre

SHARED = "ReadWriteMany"
CENTRE_ADDRESS = "producer.override.bootstrap.servers"
EXAMPLES = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Networks for documentation (RFC 5737), and names (RFC 2606)."""
EXAMPLE_NAME = ".example"
PLACEHOLDER = "set by the overlay"


def manifest_checks(
    found: Manifests, studies_a_day: float, *, network: bool, proxy: str | None = None
) -> list[Check]:
    """Each check of an overlay.

    Args:
        found: its objects.
        studies_a_day: examinations that come in.
        network: whether addresses are tried from this machine.
        proxy: see `network.reach`.
    """
    return [
        Check("site", lambda: [_site(found)]),
        Check("settings", lambda: _settings(found)),
        Check("address", lambda: _addresses(found)),
        Check("policy", lambda: [_policy(found)]),
        Check("topic", lambda: _topics(found)),
        Check("rights", lambda: _rights(found)),
        Check("storage", lambda: _storage(found)),
        Check("disk-size", lambda: _sizes(found, studies_a_day)),
        Check("prometheus", lambda: _monitors(found)),
        Check("port", lambda: _reached(found, proxy) if network else [_not_tried()]),
    ]


def _site(found: Manifests) -> Finding:
    names = {"ConfigMap common": found.data("common").get("SEGWATCH_SITE")}
    for connector in found.of("KafkaConnector"):
        names["the bridge's alias"] = connector["spec"]["config"].get("source.cluster.alias")
    for name in told_to_the_bridge(found, "SITE"):
        names["the bridge's alias"] = name
    for monitor in found.of("PodMonitor"):
        for endpoint in monitor["spec"].get("podMetricsEndpoints", ()):
            for label in endpoint.get("relabelings", ()):
                if label.get("targetLabel") == "site":
                    names["the metrics' label"] = label.get("replacement")
    return site(names)


def _settings(found: Manifests) -> Iterator[Finding]:
    unset = [
        f"{name} of ConfigMap {each['metadata']['name']}"
        for each in found.of("ConfigMap")
        for name, value in (each.get("data") or {}).items()
        if value == PLACEHOLDER
    ]
    yield from (
        fault("settings", f"{name} is not set", "set it in the overlay's .env file") for name in unset
    )
    if not unset:
        yield ok("settings", "every setting that the overlay must give is given")


def _addresses(found: Manifests) -> Iterator[Finding]:
    wrong = [
        f"the bridge goes to {each}"
        for each in _bootstraps(found)
        if each.partition(":")[0].endswith(EXAMPLE_NAME)
    ]
    for policy in found.of("NetworkPolicy"):
        spec = policy["spec"]
        rules = [(rule, "from") for rule in spec.get("ingress", ())] + [
            (rule, "to") for rule in spec.get("egress", ())
        ]
        for rule, side in rules:
            for peer in rule.get(side, ()):
                cidr = (peer.get("ipBlock") or {}).get("cidr")
                if cidr and _is_example(cidr):
                    wrong.append(f"NetworkPolicy {policy['metadata']['name']} lets {cidr} through")
    remedy = "set CENTRE_KAFKA, CENTRE_NETWORK and PACS_NETWORK in hospital.env to your own"
    yield from (fault("address", f"{each}: an example's address", remedy) for each in wrong)
    if not wrong:
        yield ok("address", "no address of the examples is left")


def _is_example(cidr: str) -> bool:
    network = ipaddress.ip_network(cidr, strict=False)
    return (
        any(network.version == each.version and network.overlaps(each) for each in EXAMPLES)
        and network.prefixlen > 0
    )


def _policy(found: Manifests) -> Finding:
    if "aggregation" not in found.names():
        return unused("policy", "there is no aggregation here")
    text = found.data("policy").get("policy.yaml")
    if not text:
        return fault(
            "policy",
            "the ConfigMap policy holds no policy.yaml",
            "add it to the overlay's configMapGenerator",
        )
    return policy_text(text, "policy.yaml")


def _expected(found: Manifests) -> list[str]:
    sites = found.sites()
    return [*map(at_the_centre, sites), *CENTRE_TOPICS] if sites else list(HOSPITAL_TOPICS)


def _topics(found: Manifests) -> Iterable[Finding]:
    if is_kept(found):
        return [by_the_keeper("topic")]
    return topics(_expected(found), _topic_states(found))


def _topic_states(found: Manifests) -> dict[str, TopicState]:
    states = {}
    for each in found.of("KafkaTopic"):
        spec = each["spec"]
        config = {key: str(value) for key, value in (spec.get("config") or {}).items()}
        states[spec.get("topicName", each["metadata"]["name"])] = TopicState(spec["partitions"], config)
    return states


def _rights(found: Manifests) -> Iterator[Finding]:
    if is_kept(found):
        yield by_the_keeper("rights")
        return
    sites = found.sites()
    table: Mapping[str, Access] = centre(sites) if sites else HOSPITAL
    users = {each["metadata"]["name"]: each for each in found.of("KafkaUser")}
    for principal, access in table.items():
        if principal not in users:
            yield fault(
                "rights", f"there is no KafkaUser {principal}", "write it anew by `make generate`, and apply"
            )
            continue
        allowed: dict[str, set[str]] = defaultdict(set)
        for rule in (users[principal]["spec"].get("authorization") or {}).get("acls", ()):
            if rule["resource"]["type"] == "topic":
                allowed[rule["resource"]["name"]].update(rule["operations"])
        named = {*access.reads, *access.writes}
        yield from rights(
            principal, access, {name: TopicState(1, None, frozenset(allowed[name])) for name in named}
        )


def claims_of(found: Manifests) -> dict[str, set[str]]:
    """The workloads that use each claim."""
    used: dict[str, set[str]] = defaultdict(set)
    for each in found.workloads():
        for volume in each["spec"]["template"]["spec"].get("volumes", ()):
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim:
                used[claim].add(each["metadata"]["name"])
    return used


def _storage(found: Manifests) -> Iterator[Finding]:
    modes = {
        each["metadata"]["name"]: each["spec"]["accessModes"] for each in found.of("PersistentVolumeClaim")
    }
    used, called = claims_of(found), {each["metadata"]["name"]: each for each in found.workloads()}

    def together(names: set[str]) -> bool:
        return on_one_node(called[name] for name in names)

    for claim, workloads in sorted(used.items()):
        users = ", ".join(sorted(workloads))
        if claim not in modes:
            yield fault(
                "storage",
                f"{users} use the claim {claim}, which is not there",
                "add it (k8s/components/storage)",
            )
        elif len(workloads) > 1 and SHARED not in modes[claim] and not together(workloads):
            remedy = f"ask for {SHARED}, from a storage class that can share; on one node `small` will do"
            yield fault(
                "storage", f"{users} share the claim {claim}, which is {', '.join(modes[claim])}", remedy
            )
        else:
            yield ok("storage", f"the claim {claim} may be used by {users}")
    if not used:
        yield unused("storage", "no claims are used here")


def _sizes(found: Manifests, studies_a_day: float) -> Iterator[Finding]:
    claims = [
        each
        for each in found.of("PersistentVolumeClaim")
        if each["metadata"]["name"] in ("store", "inbox", "audit")
    ]
    for each in claims:
        name, asked = each["metadata"]["name"], each["spec"]["resources"]["requests"]["storage"]
        yield size(name, f"the claim {name}", in_gb(str(asked)), studies_a_day)
    if not claims:
        yield unused("disk-size", "there is no claim of a hospital here")


def _monitors(found: Manifests) -> Iterator[Finding]:
    monitors = found.of("PodMonitor")
    pods = [
        each for each in found.workloads() if _labels(each).get("app.kubernetes.io/part-of") == "segwatch"
    ]
    if pods and not monitors and is_kept(found):
        yield unknown(
            "prometheus",
            "there is no PodMonitor, as without prometheus-operator",
            "see that your Prometheus asks each service at :8080/metrics (docs/operations/helm.md)",
        )
        return
    for each in pods:
        name = each["metadata"]["name"]
        if any(selects(monitor["spec"]["selector"], _labels(each)) for monitor in monitors):
            yield ok("prometheus", f"a PodMonitor takes {name}")
        else:
            yield fault(
                "prometheus", f"no PodMonitor takes {name}", "add k8s/components/monitoring to the overlay"
            )
    if not pods:
        yield fault("prometheus", "there is no service of ours to look at", "add the services' components")


def _labels(workload: Object) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"].get("labels") or {})


def _bootstraps(found: Manifests) -> list[str]:
    said = [each["spec"]["config"].get(CENTRE_ADDRESS, "") for each in found.of("KafkaConnector")]
    said += told_to_the_bridge(found, "CENTRE_KAFKA")
    return [address.strip() for each in said for address in each.split(",") if address.strip()]


def _reached(found: Manifests, proxy: str | None) -> Iterator[Finding]:
    listed = _bootstraps(found)
    yield from (reach(each, "the centre's Kafka", proxy) for each in listed)
    if not listed:
        yield unused("port", "no way to a centre is here")


def _not_tried() -> Finding:
    return unused("port", "no address was tried from here (--network tries them)")
