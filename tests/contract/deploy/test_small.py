"""The overlay `small`: a hospital on one node, without any operator."""

import os
import re

import kubernetes_validate
import pytest
import yaml

from deploy.cluster.strimzi import stand_in
from deploy.local.kafka.bridge import connector_settings
from deploy.local.kafka.log_address import LogAddress
from segwatch.keeper.certificates import TRUSTED, secrets_of
from segwatch.streaming.access import HOSPITAL, centre
from tests.contract.deploy.test_manifests import is_custom, kustomized, of_kind
from tests.contract.deploy.test_network import OUTSIDE, SERVICES, edges, names
from tests.contract.deploy.test_restricted import SAFE_VOLUMES, own_pods, problems

CORES, GIB = 4, 8
TAKEN_CORES, TAKEN_GIB = 0.5, 1.5
"""What a node keeps for itself, its DNS and its network."""
SAMPLE = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}


@pytest.fixture
def small(rendered):
    return rendered("small")


def amount(text):
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", str(text)).groups()
    return float(number) * SAMPLE[unit]


def test_only_kubernetes_own_kinds_are_in_it_and_keep_to_their_schemas(small):
    assert not [each["kind"] for each in small if is_custom(each)]
    for each in small:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_every_pod_is_restricted(small):
    pods = own_pods(small)

    assert {"log-node", "bridge-connect", "log-keeper"} < set(pods)
    for name, pod in pods.items():
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False, name
        assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= SAFE_VOLUMES, name
        (container,) = pod["containers"]
        assert not problems(pod["securityContext"], container["securityContext"]), name


def test_what_it_asks_for_fits_the_node(small):
    asked = [
        {
            what: amount(text) * (each["spec"]["replicas"])
            for what, text in pod["containers"][0]["resources"]["requests"].items()
        }
        for each in small
        if each["kind"] in {"Deployment", "StatefulSet"}
        for pod in [each["spec"]["template"]["spec"]]
    ]

    assert sum(each["cpu"] for each in asked) <= CORES - TAKEN_CORES
    assert sum(each["memory"] for each in asked) <= (GIB - TAKEN_GIB) * 2**30


def test_there_is_one_of_everything_and_one_node_mounts_each_claim(small):
    replicas = {each["spec"]["replicas"] for each in small if each["kind"] in {"Deployment", "StatefulSet"}}
    claims = of_kind(small, "PersistentVolumeClaim")

    assert replicas == {0, 1}  # the operator's pod is asked for
    assert not of_kind(small, "PodDisruptionBudget")
    assert {tuple(each["spec"]["accessModes"]) for each in claims.values()} == {("ReadWriteOnce",)}
    assert {"log", "bridge", "store", "inbox", "models", "audit", "backups"} == set(claims)


def test_the_doors_are_the_real_edges_and_no_others(small):
    made = {edge for edge in edges(small) if not {"kafka", "entity-operator"} & {*edge}}
    pods = (*SERVICES, "operator", "log-node", "bridge-connect", "log-keeper", "a stranger in the namespace")

    assert made == (
        names(pods)
        | {(service, "log-node", 9093) for service in (*SERVICES, "operator", "bridge-connect", "log-keeper")}
        | {("prometheus", service, 8080) for service in SERVICES}
        | {("the PACS", "ingest", 11112), ("the PACS", "ingest", 8042)}
        | {("bridge-connect", "the centre", 9094)}
        # The address of Kubernetes' API is not known beforehand.
        | {("log-keeper", peer, port) for peer in OUTSIDE for port in (443, 6443)}
    )


def test_the_keeper_may_read_and_fill_the_secrets_that_are_there_and_nothing_else(small):
    (role,) = of_kind(small, "Role").values()
    (binding,) = of_kind(small, "RoleBinding").values()

    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": secrets_of(HOSPITAL),
            "verbs": ["get", "patch"],
        }
    ]
    # Without data: what the keeper has put in stays when they are applied again.
    secrets = of_kind(small, "Secret")
    assert set(secrets) == set(secrets_of(HOSPITAL))
    assert all(set(each) == {"apiVersion", "kind", "metadata"} for each in secrets.values())
    (keeper,) = binding["subjects"]
    assert (keeper["name"], keeper["namespace"]) == ("log-keeper", "segwatch")
    users = {name for name, pod in own_pods(small).items() if pod["serviceAccountName"] == "log-keeper"}
    assert users == {"log-keeper"}


def test_in_another_namespace_the_keepers_right_goes_with_it(root, tmp_path):
    overlay = {
        "namespace": "radiology",
        "resources": [os.path.relpath(root / "k8s/overlays/small", tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    (binding,) = of_kind(kustomized(tmp_path), "RoleBinding").values()

    assert {each["namespace"] for each in (*binding["subjects"], binding["metadata"])} == {"radiology"}


def test_each_secret_that_a_pod_mounts_is_filled_or_made_by_the_hospital(small):
    mounted = {
        volume["secret"]["secretName"]
        for pod in own_pods(small).values()
        for volume in pod["volumes"]
        if "secret" in volume
    }

    assert mounted <= {*secrets_of(HOSPITAL), "ingest-doors", "ingest-secrets", "centre-access"}


def test_each_service_waits_for_the_secret_that_is_filled_last(small):
    """A volume that names an entry keeps its pod from starting until the entry is there."""
    for name in SERVICES:
        volumes = {volume["name"]: volume for volume in own_pods(small)[name]["volumes"]}
        secret = volumes["kafka-ca"]["secret"]
        assert secret["secretName"] == secrets_of(HOSPITAL)[-1] == TRUSTED
        assert [item["key"] for item in secret["items"]] == ["ca.crt"]


def test_the_bridge_is_told_the_hospitals_name_and_where_the_centre_is(small):
    (container,) = own_pods(small)["bridge-connect"]["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}

    assert (told["SITE"], told["CENTRE_KAFKA"]) == ("hospital-a", "kafka.centre.example:9094")


def test_the_connector_is_the_one_that_strimzi_would_be_given(rendered):
    """But for where the files lie, it is what KafkaConnector says."""
    strimzis = of_kind(rendered("hospital"), "KafkaConnector")["release-bridge"]["spec"]["config"]
    (orders,) = (
        each["data"] for name, each in of_kind(rendered("small"), "ConfigMap").items() if "orders" in name
    )
    plain = connector_settings(
        "${env:SITE}",
        hospital=LogAddress(bootstrap="log-kafka-bootstrap:9093"),
        centre=LogAddress(bootstrap="${env:CENTRE_KAFKA}"),
    )

    assert all(f'"{name}": ' in orders["connector.json"] for name in plain)
    secured = [name for name, value in strimzis.items() if value == "SSL"]
    assert all(f'"{name}": "SSL"' in orders["connector.json"] for name in secured)


def test_the_broker_is_of_the_version_that_is_tested_and_keeps_the_record(rendered):
    (kafka,) = of_kind(rendered("hospital"), "Kafka").values()
    images = {
        own_pods(rendered("small"))[name]["containers"][0]["image"] for name in ("log-node", "bridge-connect")
    }
    (settings,) = (
        each["data"]["server.properties"]
        for name, each in of_kind(rendered("small"), "ConfigMap").items()
        if "broker" in name
    )

    assert images == {f"apache/kafka:{kafka['spec']['kafka']['version']}"}
    strimzis = kafka["spec"]["kafka"]["config"]
    for name in ("delete.topic.enable", "auto.create.topics.enable", "offsets.retention.minutes"):
        assert f"{name}={str(strimzis[name]).lower()}\n" in settings
    assert "ssl.client.auth=required\n" in settings
    assert "allow.everyone.if.no.acl.found=false\n" in settings


@pytest.mark.parametrize("sites", [None, ["hospital-a", "hospital-b"]])
def test_what_stands_in_for_strimzi_on_the_tests_cluster_is_the_same_and_sound(root, sites):
    made = stand_in(root / "k8s/overlays", "elsewhere", sites)

    for each in made:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
    (role,) = of_kind(made, "Role").values()
    principals = HOSPITAL if sites is None else centre(sites)
    assert role["rules"][0]["resourceNames"] == secrets_of(principals)
    assert set(of_kind(made, "Secret")) == set(secrets_of(principals))
    assert {each["metadata"]["namespace"] for each in made} == {"elsewhere"}
