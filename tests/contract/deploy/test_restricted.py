"""Every pod runs as Pod Security `restricted` wants, and with a read-only root file system beside."""

import pytest

OVERLAYS = ("hospital", "central")
SAFE_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def own_pods(manifests):
    jobs = [each["spec"]["jobTemplate"] for each in manifests if each["kind"] == "CronJob"]
    names = [each["metadata"]["name"] for each in manifests if each["kind"] == "CronJob"]
    return dict(zip(names, (each["spec"]["template"]["spec"] for each in jobs), strict=True)) | {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests
        if each["kind"] in {"Deployment", "StatefulSet"}
    }


def services_pods(manifests):
    """Those of the services: not the operator's and the jobs', which serve nothing."""
    tools = ("operator", "backup", "restore")
    return {name: pod for name, pod in own_pods(manifests).items() if name not in tools}


def operators_templates(manifests):
    """(name, pod's security context, container's) of the pods that Strimzi makes."""
    for each in manifests:
        template = (
            each["spec"].get("template", {}) if each["kind"] in {"KafkaNodePool", "KafkaConnect"} else {}
        )
        if each["kind"] == "Kafka":
            template = each["spec"]["entityOperator"]["template"]
        for part, made in template.items():
            if part.endswith("Container"):
                yield f"{each['kind']} {part}", template["pod"]["securityContext"], made["securityContext"]


def problems(pod, container):
    """What `restricted` (v1.37) and our own rule would refuse in two security contexts."""
    both = {**pod, **container}
    checks = {
        "runs as root": both.get("runAsNonRoot") is True and both.get("runAsUser", 1) != 0,
        "may gain rights": container.get("allowPrivilegeEscalation") is False,
        "keeps capabilities": container.get("capabilities") == {"drop": ["ALL"]},
        "is privileged": not container.get("privileged"),
        "has no seccomp profile": both.get("seccompProfile", {}).get("type")
        in {"RuntimeDefault", "Localhost"},
        "may write its root": container.get("readOnlyRootFilesystem") is True,
    }
    return [what for what, kept in checks.items() if not kept]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_pods_are_restricted(rendered, overlay):
    pods = own_pods(rendered(overlay))

    assert pods
    for name, pod in pods.items():
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert pod["automountServiceAccountToken"] is False, name
        assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= SAFE_VOLUMES, name
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            assert not problems(pod["securityContext"], container["securityContext"]), name
            assert not any("hostPort" in port for port in container.get("ports", [])), name


@pytest.mark.parametrize(("overlay", "count"), [("hospital", 4), ("central", 3)])
def test_the_operators_pods_are_restricted(rendered, overlay, count):
    templates = list(operators_templates(rendered(overlay)))

    assert len(templates) == count
    for name, pod, container in templates:
        assert not problems(pod, container), name


@pytest.mark.parametrize(
    "spoilt",
    [
        {"readOnlyRootFilesystem": False},
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
        {"runAsUser": 0},
        {"seccompProfile": {"type": "Unconfined"}},
    ],
)
def test_a_loose_pod_would_be_noticed(rendered, spoilt):
    pod = own_pods(rendered("hospital"))["features"]
    container = {**pod["containers"][0]["securityContext"], **spoilt}

    assert problems(pod["securityContext"], container)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_enforces_it(rendered, overlay):
    (namespace,) = (each for each in rendered(overlay) if each["kind"] == "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_are_probed_have_limits_and_no_service_links(rendered, overlay):
    for name, pod in services_pods(rendered(overlay)).items():
        (container,) = pod["containers"]
        probes = {kind: container[kind]["httpGet"]["path"] for kind in container if kind.endswith("Probe")}
        assert probes == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}, (
            name
        )
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
        assert "memory" in container["resources"]["limits"], name
        # SEGWATCH_… variables that Kubernetes would make of Services are refused by the services.
        assert pod["enableServiceLinks"] is False, name


def test_static_members_are_stateful_and_named_after_their_pod(rendered):
    manifests = rendered("hospital")
    stateful = {each["metadata"]["name"] for each in manifests if each["kind"] == "StatefulSet"}

    assert stateful == {"segmentation", "features", "scoring", "aggregation"}
    for name, pod in services_pods(manifests).items():
        (member,) = (each for each in pod["containers"][0]["env"] if each["name"] == "SEGWATCH_MEMBER")
        assert member["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}, name
