"""A cluster, through kubectl: its objects, what only it knows, and what each pod sees from where it is."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from segwatch.errors import BadInput, in_one_line
from segwatch.preflight.certificates import ending
from segwatch.preflight.clock import finding
from segwatch.preflight.findings import LONGEST, Check, Finding, fault, ok, unknown, unused
from segwatch.preflight.manifests import Manifests, Object
from segwatch.preflight.monitoring import picked_up, tells_somebody
from segwatch.preflight.overlay import SHARED, manifest_checks
from segwatch.preflight.topics import UNSEEN
from segwatch.streaming.ground import end_of

Kubectl = Callable[..., str]
PATIENCE_SECONDS = 60
OBJECTS = (
    "configmaps",
    "deployments",
    "statefulsets",
    "persistentvolumeclaims",
    "networkpolicies",
    "kafkatopics.kafka.strimzi.io",
    "kafkausers.kafka.strimzi.io",
    "kafkaconnectors.kafka.strimzi.io",
    "podmonitors.monitoring.coreos.com",
    "prometheusrules.monitoring.coreos.com",
)
FOR_ONE_NODE = (
    "kubernetes.io/no-provisioner",
    "rancher.io/local-path",
    "k8s.io/minikube-hostpath",
    "docker.io/hostpath",
    "openebs.io/local",
    "topolvm.io",
    "ebs.csi.aws.com",
    "kubernetes.io/aws-ebs",
    "disk.csi.azure.com",
    "pd.csi.storage.gke.io",
    "kubernetes.io/gce-pd",
    "cinder.csi.openstack.org",
    "rbd.csi.ceph.com",
    "csi.vsphere.vmware.com",
)
"""Provisioners of disks for one node: a block device, or a folder of that node."""
SECRETS = {
    "ingest-doors": ("tls.crt", "tls.key"),
    "ingest-secrets": ("pseudonym-secret", "stow-token"),
    "centre-access": ("ca.crt", "user.pem"),
}
"""What a person must make (docs/operators.md); Kafka's users are Strimzi's to make, or the keeper's."""
NOT_KNOWN = "the server doesn't have a resource type"
"""kubectl's words for a kind that no CustomResourceDefinition brought."""
LEASE_SECONDS = 20
"""A kubelet renews its lease every ten seconds."""


def kubectl(context: str | None, *words: str) -> str:
    """What kubectl says.

    What it runs in a pod ends as that ends, and what that said counts. Of anything else a failure says that
    not all was seen: what is forbidden is an empty list.

    Raises:
        BadInput: it is not there, or refuses.
    """
    command = ["kubectl", *(["--context", context] if context else []), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"kubectl does not run: {in_one_line(error)}") from None
    if done.returncode and not (words[0] == "exec" and done.stdout):
        raise BadInput(f"kubectl {' '.join(words[:3])}: {in_one_line(Exception(done.stderr), LONGEST)}")
    return done.stdout


def cluster_checks(run: Kubectl, namespace: str, studies_a_day: float) -> list[Check]:
    """Each check of a cluster.

    Args:
        run: kubectl, given its words.
        namespace: where segwatch is, or is to be.
        studies_a_day: examinations that come in.

    Raises:
        BadInput: the objects cannot be had.
    """
    found = Manifests([each for kind in OBJECTS for each in _items(run, kind, namespace)])
    hospital = not found.sites()
    return [
        *manifest_checks(found, studies_a_day, network=False),
        Check("storage", partial(_classes, run, found)),
        Check("clock", partial(_clocks, run)),
        Check("prometheus", partial(_picked_up, run, found)),
        Check("alertmanager", partial(_told, run)),
        *([Check("secret", partial(_secrets, run, namespace))] if hospital else []),
        *(Check("pod", partial(_pod, run, namespace, name, studies_a_day)) for name in sorted(_ours(found))),
    ]


def _items(run: Kubectl, kind: str, namespace: str | None) -> list[Object]:
    where = ["-n", namespace] if namespace else ["-A"]
    try:
        items: list[Object] = json.loads(run("get", kind, *where, "-o", "json"))["items"]
    except BadInput as error:
        if NOT_KNOWN in str(error):
            return []  # of an operator that is not there
        raise
    return items


def _ours(found: Manifests) -> set[str]:
    return {
        f"{each['kind'].lower()}/{each['metadata']['name']}"
        for each in found.workloads()
        if (each["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of") == "segwatch"
    }


def _classes(run: Kubectl, found: Manifests) -> Iterator[Finding]:
    classes = {each["metadata"]["name"]: each for each in _items(run, "storageclasses", None)}
    default = next((name for name, each in classes.items() if _is_default(each)), None)
    shared = [each for each in found.of("PersistentVolumeClaim") if SHARED in each["spec"]["accessModes"]]
    for claim in shared:
        named = claim["spec"].get("storageClassName") or default
        called = f"the claim {claim['metadata']['name']}"
        if named is None or named not in classes:
            remedy = "name one that can share (NFS, CephFS) as storageClassName, or make it the default"
            yield fault("storage", f"{called}: there is no storage class {named or 'by default'}", remedy)
        elif classes[named]["provisioner"].startswith(FOR_ONE_NODE):
            remedy = f"name a class that can share (NFS, CephFS) as storageClassName of {called}"
            yield fault(
                "storage", f"{called}: {named} ({classes[named]['provisioner']}) cannot share", remedy
            )
        elif (claim.get("status") or {}).get("phase") == "Pending":
            yield fault(
                "storage", f"{called} waits for {named}", f"kubectl describe pvc {claim['metadata']['name']}"
            )
        else:
            yield ok("storage", f"{called}: {named} ({classes[named]['provisioner']})")
    if not shared:
        yield unused("storage", "no claim is to be shared")


def _is_default(each: Object) -> bool:
    notes = each["metadata"].get("annotations") or {}
    return bool(notes.get("storageclass.kubernetes.io/is-default-class") == "true")


def _clocks(run: Kubectl) -> Iterator[Finding]:
    """Each node's clock against ours, by the lease that it renews."""
    for each in _items(run, "leases.coordination.k8s.io", "kube-node-lease"):
        renewed = datetime.fromisoformat(each["spec"]["renewTime"].replace("Z", "+00:00"))
        late = (datetime.now(UTC) - renewed).total_seconds()
        yield finding(
            f"the node {each['metadata']['name']} (by its lease)",
            late if late < 0 else max(0, late - LEASE_SECONDS),
        )


def _picked_up(run: Kubectl, found: Manifests) -> Iterator[Finding]:
    servers = _items(run, "prometheuses.monitoring.coreos.com", None)
    labels = {
        each["metadata"]["name"]: each["metadata"].get("labels") or {}
        for each in _items(run, "namespaces", None)
    }
    monitors = [("podMonitor", each) for each in found.of("PodMonitor")]
    monitors += [("rule", each) for each in found.of("PrometheusRule")]
    yield from (picked_up(servers, kind, each, labels) for kind, each in monitors)
    if not monitors:
        yield fault(
            "prometheus", "there is no PodMonitor of ours", "apply the overlay with k8s/components/monitoring"
        )


def _told(run: Kubectl) -> Iterator[Finding]:
    servers = _items(run, "prometheuses.monitoring.coreos.com", None)
    yield tells_somebody(servers, _items(run, "alertmanagers.monitoring.coreos.com", None))


def _secrets(run: Kubectl, namespace: str) -> Iterator[Finding]:
    there = {each["metadata"]["name"]: each.get("data") or {} for each in _items(run, "secrets", namespace)}
    for name, keys in SECRETS.items():
        missing = [key for key in keys if not there.get(name, {}).get(key)]
        check = "ca" if missing == ["ca.crt"] else "secret"
        if missing:
            remedy = f"kubectl -n {namespace} create secret … (docs/operators.md)"
            yield fault(check, f"the Secret {name} lacks {', '.join(missing)}", remedy)
            continue
        yield ok("secret", f"the Secret {name} is whole")
        for key in keys:
            if key.endswith((".crt", ".pem")):
                yield _in_secret(name, key, base64.b64decode(there[name][key]))


def _in_secret(name: str, key: str, data: bytes) -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "certificate"  # its owner's only, and gone at once: it may hold a key
        file.touch(0o600)
        file.write_bytes(data)
        end = end_of(file)
    if end is None:
        return fault(
            "certificate", f"{key} of the Secret {name} is no certificate in PEM", "make the Secret anew"
        )
    return ending(f"{key} of the Secret {name}", end, datetime.now(UTC).timestamp())


def _pod(run: Kubectl, namespace: str, workload: str, studies_a_day: float) -> Iterator[Finding]:
    """What a pod sees from where it stands: disks, models, Kafka, the PACS."""
    command = ["segwatch", "preflight", "server", "--json", "--studies-a-day", str(studies_a_day)]
    none = [
        word
        for option in ("--ntp", "--prometheus", "--alertmanager", "--called-as")
        for word in (option, "none")
    ]
    try:
        said: dict[str, Any] = json.loads(run("exec", "-n", namespace, workload, "--", *command, *none))
    except (BadInput, ValueError) as error:
        yield unknown(
            "pod", f"{workload} could not be asked: {in_one_line(error, LONGEST)}", "see that its pod runs"
        )
        return
    for each in said["findings"]:
        if (each["check"], each["state"]) == UNSEEN:
            continue  # no pod may see it: the cluster's topics say it, or the keeper that makes them
        yield Finding(each["check"], each["state"], f"{workload}: {each['what']}", each["remedy"])
