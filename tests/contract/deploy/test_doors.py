"""The table of doors is the network policies' own, and the way by 443 is one that renders."""

import shutil
import subprocess
from pathlib import Path

import yaml

from deploy.doors import BEGIN, END, PAGE, REASONS, ROOT, outside_rules, table
from services.ingest.settings import IngestSettings


def test_each_door_of_a_policy_has_a_reason_and_each_reason_a_door():
    assert outside_rules() == set(REASONS)


def test_the_page_shows_the_table():
    assert PAGE.read_text().split(BEGIN)[1].split(END)[0] == table()


def test_the_ports_of_the_table_are_those_that_the_services_are_told():
    told = dict(
        line.split("=", 1)
        for line in (ROOT / "k8s/components/ingest/ingest.env").read_text().split()
        if "=" in line
    )
    ports = {port for policy, _, port in REASONS if policy == "ingest"}

    assert ports == {int(told["SEGWATCH_DICOM_PORT"]), int(told["SEGWATCH_STOW_PORT"])}
    assert {("services", "from", IngestSettings.model_fields["http_port"].default)} <= set(REASONS)


def test_a_hospital_behind_443_has_one_edge_to_443(tmp_path: Path):
    overlay = copied(tmp_path) / "overlays/hospital/kustomization.yaml"
    overlay.write_text(
        overlay.read_text().replace(
            "  - ../../components/pods\n", "  - ../../components/pods\n  - ../../components/door-443\n"
        )
    )

    policy = next(
        each
        for each in rendered(overlay.parent)
        if each["metadata"]["name"] == "bridge" and each["kind"] == "NetworkPolicy"
    )

    assert [each["ports"] for each in policy["spec"]["egress"] if "ipBlock" in each["to"][0]] == [
        [{"port": 443, "protocol": "TCP"}]
    ]


def test_a_centre_behind_443_asks_for_certificates_still(tmp_path: Path):
    overlay = copied(tmp_path) / "overlays/central/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("path: listener.yaml", "path: listener-443.yaml"))

    kafka = next(each for each in rendered(overlay.parent) if each["kind"] == "Kafka")

    door = kafka["spec"]["kafka"]["listeners"][-1]
    assert (door["type"], door["tls"], door["authentication"]) == ("ingress", True, {"type": "tls"})


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT / "k8s", folder / "k8s"))


def rendered(overlay: Path) -> list[dict]:
    done = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))
