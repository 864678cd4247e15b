"""A cluster whose names are served in another namespace and on another port, as OpenShift's are."""

import json

import pytest
import yaml

from deploy.cluster import control
from deploy.cluster.folders import HERE
from deploy.cluster.installation import apply
from deploy.local.machine.folders import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
ELSEWHERE, PORT = "openshift-dns", 5353
ASK = "import socket; print(socket.gethostbyname('log-kafka-bootstrap'))"


def elsewhere():
    """The cluster's own names' server, moved: the same images and rights, another namespace and port."""
    text = (HERE / "dns.yaml").read_text().replace("namespace: kube-system", f"namespace: {ELSEWHERE}")
    kept = [
        each for each in yaml.safe_load_all(text.replace(".:53 ", f".:{PORT} ")) if each["kind"] != "Service"
    ]
    for each in kept:
        if each["kind"].startswith("ClusterRole"):
            each["metadata"]["name"] = "coredns-elsewhere"
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ELSEWHERE}}, *kept]


def names_are_at(address, port):
    """Lead the cluster's address for names to one server, as that cluster's own operator would."""
    control.kubectl(
        "-n",
        "kube-system",
        "patch",
        "service",
        "kube-dns",
        "--type=merge",
        "-p",
        '{"spec": {"selector": null}}',
    )
    control.kubectl(
        "-n", "kube-system", "delete", "endpointslices", "-l", "kubernetes.io/service-name=kube-dns"
    )
    ports = [
        {"name": "dns", "port": port, "protocol": "UDP"},
        {"name": "dns-tcp", "port": port, "protocol": "TCP"},
    ]
    labels = {"kubernetes.io/service-name": "kube-dns"}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kube-dns-here", "namespace": "kube-system", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}],
        "ports": ports,
    }
    apply([slice_])


def the_examples_patch():
    """What `examples/k8s/own-cluster` puts in the place of the policy for names."""
    made = yaml.safe_load((ROOT / "examples/k8s/own-cluster/kustomization.yaml").read_text())
    (patch,) = (each["patch"] for each in made["patches"] if each["target"].get("name") == "names")
    return json.dumps(yaml.safe_load(patch))


@pytest.fixture
def moved(site):
    """Names are served elsewhere; in the end again where they were."""
    policy = site.kubectl("get", "networkpolicy", "names", "-o", "json")
    apply(elsewhere())
    control.kubectl("-n", ELSEWHERE, "rollout", "status", "deployment/coredns", "--timeout=120s")
    path = "jsonpath={.items[0].status.podIP}"
    names_are_at(control.kubectl("-n", ELSEWHERE, "get", "pods", "-o", path), PORT)
    yield
    spec = json.dumps([{"op": "replace", "path": "/spec", "value": json.loads(policy)["spec"]}])
    site.kubectl("patch", "networkpolicy", "names", "--type=json", "-p", spec)
    control.kubectl("-n", "kube-system", "delete", "endpointslice", "kube-dns-here")
    back = '{"spec": {"selector": {"k8s-app": "kube-dns"}}}'
    control.kubectl("-n", "kube-system", "patch", "service", "kube-dns", "--type=merge", "-p", back)
    control.kubectl("delete", "namespace", ELSEWHERE)


def finds_the_broker(site):
    """Whether a service's pod can ask for its broker's address."""
    return bool(site.kubectl("exec", "features-0", "--", "python", "-c", ASK, check=False).strip())


@pytest.mark.usefixtures("moved")
def test_names_that_are_served_elsewhere_are_found_with_the_examples_policy(site):
    site.until(lambda: not finds_the_broker(site), "names to be shut by the policy for the usual place")
    patch = the_examples_patch()
    site.kubectl("patch", "networkpolicy", "names", "--type=json", "-p", patch)

    site.until(lambda: finds_the_broker(site), "the broker's name to be found")
