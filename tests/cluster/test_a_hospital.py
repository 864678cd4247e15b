"""A hospital and the centre on a real Kubernetes: a study's way, what is shut, and what happens to pods."""

import json
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.cluster import control
from deploy.cluster.folders import PACS, STATE
from deploy.cluster.installation import AT_THE_CENTRE, DOOR, HOSPITAL, disk_of, run, steps
from deploy.cluster.strimzi import CLAIM
from deploy.local.machine.folders import MODELS
from tests.cluster.conftest import WORKLOADS, secrets_of_the_hospital

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("site"), pytest.mark.timeout(1500)]
REACH = """
import socket, sys
for each in sys.argv[1:]:
    host, port = each.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 3).close()
        print("open", each)
    except OSError:
        print("shut", each)
"""
EAT = """
import os, time
open("/proc/1/oom_score_adj", "w").write("1000")
for _ in range(60):
    if not os.fork():
        eaten = bytearray(60_000_000)
        time.sleep(60)
time.sleep(60)
"""
"""Many small eaters: the largest, which the kernel ends first, is the service's own process."""


def pulses(site):
    """How many pulses of the hospital the centre has."""
    return sum(site.metric("federation", "segwatch_federation_pulses", AT_THE_CENTRE).values())


def settled(site, seconds=600):
    """Wait until every study that was sent is counted, and see that none is counted twice."""
    took = site.until(lambda: site.scored() >= site.studies, "every study to be counted", seconds)
    assert site.scored() == site.studies
    return took


def reach(pod, *targets):
    """Which of these a pod can reach."""
    words = ("-n", HOSPITAL, "exec", pod, "--", "python", "-c", REACH, *targets)
    return dict(reversed(line.split()) for line in control.kubectl(*words).splitlines())


def test_studies_go_from_the_pacs_outside_through_real_pods_to_the_centres_release(site):
    began = time.monotonic()
    print(site.send(1))
    print(f"the first study is counted after {settled(site):.0f} s")
    site.send(19)
    settled(site)
    site.until(lambda: pulses(site) >= 1, "a pulse at the centre")
    print(f"20 studies, and their pulse at the centre, after {time.monotonic() - began:.0f} s")


def test_no_study_waited_for_a_compiler(site):
    listing = "cd {} && find . -type f | sort"
    built, used = (
        site.kubectl("exec", "features-0", "--", "sh", "-c", listing.format(folder))
        for folder in ("/opt/segwatch/compiled", "/tmp/numba")
    )
    assert built
    assert used == built


def test_the_namespaces_enforce_restricted():
    for namespace in (HOSPITAL, AT_THE_CENTRE):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            control.kubectl("-n", namespace, "run", "root", "--image=apache/kafka:4.3.1")
        assert "violates PodSecurity" in refused.value.stderr


def test_only_the_real_edges_are_open():
    address = control.kubectl("-n", HOSPITAL, "get", "pod", "scoring-0", "-o", "jsonpath={.status.podIP}")
    shut = [f"{address}:8080", "10.96.0.1:443", "198.51.100.10:9094", "192.0.2.10:104"]

    assert reach("features-0", "log-kafka-bootstrap:9093", *shut) == {
        "log-kafka-bootstrap:9093": "open",
        **dict.fromkeys(shut, "shut"),
    }


def test_the_pacs_network_reaches_the_door_and_no_other_does():
    script = REACH.replace("(host, int(port)), 3)", "(host, int(port)), 3, (SOURCE, 0))")
    found = {
        source: control.outside(
            "python3", "-c", script.replace("SOURCE", repr(source)), f"{DOOR}:11112", f"{DOOR}:8042"
        ).stdout.split()[::2]
        for source in ("192.0.2.10", "198.51.100.10", "10.77.0.9")
    }

    assert found["192.0.2.10"] == ["open", "open"]
    assert found["198.51.100.10"] == found["10.77.0.9"] == ["shut", "shut"]


def test_a_wrong_version_is_healed_by_the_right_one(site):
    apply = "kubectl apply -k k8s/overlays/hospital"
    site.hospital.edit({"VERSION": "9.9.9"})
    run(apply, STATE / "hospital")
    waiting = (
        "get",
        "pod",
        "scoring-0",
        "-o",
        "jsonpath={.status.containerStatuses[0].state.waiting.reason}",
    )
    site.until(lambda: "Pull" in site.kubectl(*waiting, check=False), "the wrong version to be missed")
    site.hospital.edit({"VERSION": "0.1.0"})
    run(apply, STATE / "hospital")

    site.rolled_out()


def test_an_upgrade_by_the_page_under_load_loses_and_doubles_nothing(site):
    site.hospital.edit({"VERSION": "0.1.1"})
    for name in ("aggregation", "scoring", "features", "segmentation-masks", "ingest"):
        image = f"docker.io/segwatch/{name}"
        control.inside("ctr", "-n", "k8s.io", "images", "tag", "--force", f"{image}:0.1.0", f"{image}:0.1.1")
    commands = next(each for each in steps("Upgrading", {}) if "part-of!=segwatch" in each)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(site.send, 12)
        run(commands, STATE / "hospital")
        print(sending.result())
    site.rolled_out()

    settled(site)
    images = site.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}")
    assert images.count(":0.1.1") == 5


def test_a_scorer_that_is_made_to_count_under_load_loses_and_doubles_nothing(site):
    put = next(each for each in steps("A hospital", {}) if "install-model" in each)
    put = "\n".join(line for line in put.splitlines() if "LESION-BUNDLE" not in line)
    run(
        put.replace("SCORER-BUNDLE", str(MODELS / "covid20-scorer")).replace("/models/scorer", "/models/new"),
        STATE / "hospital",
    )
    settings = site.hospital.k8s / "components/scoring/scoring.env"
    settings.write_text(re.sub("(SHADOW_SCORER=).*", r"\1/models/new", settings.read_text()))
    run("kubectl apply -k k8s/overlays/hospital", STATE / "hospital")
    site.rolled_out()
    promote = next(each for each in steps("A new scorer", {"NAME": "a-test"}) if "promote" in each)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(site.send, 6)
        said = run(promote.splitlines()[0], STATE / "hospital")
        sending.result()

    settled(site)
    assert "covid20" in said
    assert "covid20" in site.kubectl("exec", "scoring-0", "--", "segwatch", "scorer", "status")


@pytest.mark.parametrize("how", ["killed", "evicted", "out of memory"])
def test_a_pod_that_is_ended_under_load_comes_back_and_loses_nothing(site, how):
    site.send(2)
    if how == "killed":
        site.kubectl("delete", "pod", "features-0", "scoring-0", "--grace-period=0", "--force")
    elif how == "evicted":
        evict("features-0")
    else:
        site.kubectl("exec", "features-0", "--", "python", "-c", EAT, check=False)
        site.until(lambda: "OOMKilled" in ended("features-0"), "the container to be ended for its memory")
    site.send(2)
    site.rolled_out()

    settled(site)


def ended(pod):
    """Why a pod's container ended last."""
    path = "jsonpath={.status.containerStatuses[0]['state','lastState'].terminated.reason}"
    return control.kubectl("-n", HOSPITAL, "get", "pod", pod, "-o", path, check=False)


def evict(pod):
    """Ask for an eviction, as a drain does; the answer where it is refused."""
    path = f"/api/v1/namespaces/{HOSPITAL}/pods/{pod}/eviction"
    body = f'{{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {{"name": "{pod}"}}}}'
    control.kubectl("create", "--raw", path, "-f", "-", given=body)


def test_a_drain_takes_one_pod_of_a_service_at_a_time(site):
    """Scoring: of those that may be two it asks for least, and a node of two cores holds another."""
    site.kubectl("scale", "statefulset/scoring", "--replicas=2")
    site.kubectl("rollout", "status", "statefulset/scoring", "--timeout=200s")
    try:
        evict("scoring-1")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            evict("scoring-0")
        assert "disruption budget" in refused.value.stderr
    finally:
        site.kubectl("scale", "statefulset/scoring", "--replicas=1")


def test_a_broker_that_is_frozen_longer_than_every_time_out_costs_nothing(site):
    path = "jsonpath={.status.containerStatuses[0].containerID}"
    task = site.kubectl("get", "pod", "log-node-0", "-o", path).rpartition("//")[2]
    control.inside("ctr", "-n", "k8s.io", "tasks", "pause", task)
    try:
        site.send(2)
        time.sleep(70)
    finally:
        control.inside("ctr", "-n", "k8s.io", "tasks", "resume", task)

    print(f"counted {settled(site):.0f} s after the broker was woken")


def test_a_renewed_certificate_of_the_doors_is_shown_without_a_restart(site):
    pod = site.kubectl("get", "pod", "-l", "app.kubernetes.io/name=ingest", "-o", "name")
    secrets_of_the_hospital()
    make = "kubectl -n segwatch create secret tls ingest-doors --cert=tls.crt --key=tls.key"
    run(f"{make} --dry-run=client -o yaml | kubectl apply -f -", STATE / "hospital")
    new = (STATE / "hospital" / "tls.crt").read_text().split("-----")[2]

    def shown():
        words = ("openssl", "s_client", "-bind", f"{PACS}:0", "-connect", f"{DOOR}:11112", "-showcerts")
        return control.outside(*words, check=False).stdout

    site.until(lambda: new in shown(), "the new certificate to be shown")
    assert site.kubectl("get", "pod", "-l", "app.kubernetes.io/name=ingest", "-o", "name") == pod


def test_a_changed_policy_takes_force_by_an_apply(site):
    policy = site.hospital.folder / "policy.yaml"
    policy.write_text(re.sub("^version: .*$", 'version: "renewed"', policy.read_text(), flags=re.MULTILINE))
    run("kubectl apply -k k8s/overlays/hospital", STATE / "hospital")
    site.rolled_out()

    shown = site.kubectl("exec", "aggregation-0", "--", "cat", "/etc/segwatch/policy.yaml")
    assert 'version: "renewed"' in shown


def log_of(site, pod):
    """What a pod said last, whether it runs or has just ended."""
    return site.kubectl("logs", pod, check=False) + site.kubectl("logs", pod, "--previous", check=False)


@pytest.mark.parametrize(
    ("pod", "line", "wrong", "says"),
    [
        ("segmentation-0", "LESION_MODEL", "/models/nowhere", "LESION_MODEL"),
        ("ingest", "CT_UNIT", "parsec", "CT_UNIT"),
    ],
)
def test_what_is_set_wrongly_is_said_and_heals_when_it_is_mended(site, pod, line, wrong, says):
    right = {"LESION_MODEL": "", "CT_UNIT": "auto"}[line]
    site.hospital.edit({line: wrong})
    run("kubectl apply -k k8s/overlays/hospital", STATE / "hospital")
    name = "deployment/ingest" if pod == "ingest" else f"pod/{pod}"
    site.until(lambda: says in log_of(site, name), f"{pod} to say what is wrong")
    site.hospital.edit({line: right})
    run("kubectl apply -k k8s/overlays/hospital", STATE / "hospital")

    site.rolled_out()


USED = """
from pathlib import Path
groups = Path("/sys/fs/cgroup")
if (groups / "cpu.stat").exists():
    print((groups / "memory.peak").read_text(), int((groups / "cpu.stat").read_text().split()[1]) * 1000)
else:
    for name in ("memory/memory.max_usage_in_bytes", "cpuacct/cpuacct.usage"):
        print((groups / name).read_text())
status = dict(line.split(":", 1) for line in Path("/proc/1/status").read_text().splitlines())
print(status["VmHWM"].split()[0])
"""


def test_no_service_came_near_its_limit_and_what_each_used_is_said(site):
    for name, kind in WORKLOADS.items():
        words = ("exec", f"{kind}/{name}", "--", "python", "-c", USED)
        peak, processor, resident = map(int, site.kubectl(*words).split())
        path = "jsonpath={.spec.template.spec.containers[0].resources}"
        given = json.loads(site.kubectl("get", f"{kind}/{name}", "-o", path))
        print(
            f"{name}: {resident / 1000:.0f} MB resident at most, {peak / 1e6:.0f} with its files in memory,"
            f" {processor / 1e9:.0f} s of processor; {given}"
        )
        units = {"Mi": 2**20, "Gi": 2**30}
        limit = given["limits"]["memory"]
        assert resident * 1024 < 0.9 * int(limit[:-2]) * units[limit[-2:]]


@pytest.fixture
def full_disk():
    """Fills a disk of the node to its last byte; there is room again when the test is over."""
    fillers = []

    def fill(namespace, claim):
        disk = disk_of(namespace, claim)
        fillers.append(disk / "filler")
        free = control.inside("df", "--output=avail", "-B1", str(disk)).stdout.split()[1]
        control.inside("fallocate", "-l", free, str(fillers[-1]), check=False)
        control.inside("dd", "if=/dev/zero", f"of={disk}/last", "bs=4k", check=False)
        fillers.append(disk / "last")

    def room():
        control.inside("rm", "-f", *map(str, fillers))

    yield fill, room
    room()


def test_a_full_inbox_is_said_to_the_sender_and_what_is_sent_again_is_counted(site, full_disk):
    fill, room = full_disk
    fill(HOSPITAL, "inbox")
    site.until(lambda: not site.is_ready("ingest"), "ingest to say that it can take nothing")
    room()
    site.until(lambda: site.is_ready("ingest"), "ingest to take studies again")
    site.send(1)

    settled(site)


@pytest.mark.parametrize("claim", ["store", CLAIM])
def test_studies_that_come_while_a_disk_is_full_wait_and_are_counted_when_there_is_room(
    site, full_disk, claim
):
    fill, room = full_disk
    fill(HOSPITAL, claim)
    assert "25 images, 0 refused" in site.send(1)
    time.sleep(90)  # a minute of quiet ends it, and it is tried to be stored and announced
    assert site.scored() < site.studies
    room()
    site.rolled_out(600)

    settled(site)


def test_nothing_leaves_that_the_audit_log_cannot_hold(site, full_disk):
    fill, room = full_disk
    fill(HOSPITAL, "audit")
    site.send(120)  # in the last block of its file there is room for some pulses more
    site.until(lambda: not site.is_ready("aggregation"), "aggregation to say that its audit log is full", 600)
    time.sleep(90)
    before = pulses(site)
    time.sleep(30)
    assert pulses(site) == before
    room()

    settled(site, 900)
    site.until(lambda: pulses(site) == site.studies // 20, "the pulses that waited")


def test_services_that_start_before_their_broker_wait_for_it(site):
    services = "app.kubernetes.io/part-of=segwatch"
    site.kubectl("scale", "statefulset/log-node", "--replicas=0")
    site.kubectl("wait", "--for=delete", "pod/log-node-0", "--timeout=120s")
    try:
        site.kubectl("delete", "pods", "-l", services, "--wait=true", "--timeout=300s")
        site.until(lambda: "not up yet" in log_of(site, "scoring-0"), "scoring to say what it waits for")
        time.sleep(90)
        assert not site.is_ready("scoring")
        counts = "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
        assert set(site.kubectl("get", "pods", "-l", services, "-o", counts).split()) == {"0"}
    finally:
        site.kubectl("scale", "statefulset/log-node", "--replicas=1")
    site.rolled_out()
    site.send(1)

    settled(site)


def test_a_node_that_loses_its_power_comes_back_with_every_study_that_was_in_hand(site):
    site.send(2)
    site.restart_node()

    settled(site, 900)
    site.rolled_out()
    site.send(1)
    settled(site)
