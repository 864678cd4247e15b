"""The centre on a real Kubernetes: who operates it, copies, and members that share the sites."""

import json
import re

import pytest

from deploy.cluster import control
from deploy.cluster.folders import STATE
from deploy.cluster.installation import AT_THE_CENTRE, HOSPITAL, run
from segwatch.contracts.topics import DECISIONS
from tests.cluster.conftest import say

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]
SITES = ("hospital-a", "hospital-b")
METRICS = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/metrics').read().decode())"


def kubectl(namespace, *words, **more):
    return control.kubectl("-n", namespace, *words, **more)


@pytest.fixture
def operator():
    """A pod to type in at the centre; it goes when the test is over."""
    kubectl(AT_THE_CENTRE, "scale", "deployment/operator", "--replicas=1")
    kubectl(AT_THE_CENTRE, "rollout", "status", "deployment/operator", "--timeout=300s")
    yield lambda *words: kubectl(AT_THE_CENTRE, "exec", "deployment/operator", "--", "segwatch", *words)
    kubectl(AT_THE_CENTRE, "scale", "deployment/operator", "--replicas=0")


def job(namespace, name, cronjob):
    """Run a CronJob's job now; what it said."""
    kubectl(namespace, "delete", "job", name, "--ignore-not-found")
    kubectl(namespace, "create", "job", name, f"--from=cronjob/{cronjob}")
    kubectl(namespace, "wait", "--for=condition=complete", f"job/{name}", "--timeout=300s")
    return kubectl(namespace, "logs", f"job/{name}")


@pytest.mark.usefixtures("site")
def test_whoever_is_paged_at_the_centre_looks_decides_and_has_decisions_copied(operator):
    assert SITES[0] in operator("site", "status")
    operator("site", "rebaseline", SITES[0], "--reason", "scanner 2 stays")

    said = job(AT_THE_CENTRE, "copy-now", "backup")

    say(said)
    (copy,) = re.findall(rf"^(\S*{re.escape(DECISIONS)}\S*): [1-9]\d* records", said, re.MULTILINE)
    assert "0 records were put back" in operator("topics", "restore", copy)


def test_a_hospitals_ledger_is_copied_and_put_back_by_the_drills_words(site):
    before = site.scored()
    said = job(HOSPITAL, "copy-now", "backup")
    say(said)
    steps = [
        ("scale", "statefulset/aggregation", "--replicas=0"),
        ("wait", "--for=delete", "pod/aggregation-0", "--timeout=300s"),
    ]
    for words in steps:
        kubectl(HOSPITAL, *words)
    say(job(HOSPITAL, "restore", "restore"))
    kubectl(HOSPITAL, "scale", "statefulset/aggregation", "--replicas=1")
    site.rolled_out()

    site.until(lambda: site.scored() == before, "every study to be counted as it was")


def shown_by(pods):
    """Which member shows each site."""
    found = {}
    for pod in pods:
        page = kubectl(AT_THE_CENTRE, "exec", pod, "--", "python", "-c", METRICS, check=False)
        for site in SITES:
            if f'segwatch_federation_pulses{{site="{site}"' in page:
                found.setdefault(site, []).append(pod)
    return found


def members():
    words = ("get", "pod", "-l", "app.kubernetes.io/name=federation", "-o", "json")
    listed = json.loads(kubectl(AT_THE_CENTRE, *words))["items"]
    return [
        each["metadata"]["name"]
        for each in listed
        if "deletionTimestamp" not in each["metadata"]
        and any(one["type"] == "Ready" and one["status"] == "True" for one in each["status"]["conditions"])
    ]


@pytest.fixture
def two_members(site):
    """Federation by two that share the sites out, as sizing.md says; one again when the test is over."""
    for settings in ({"MEMBERS": "2", "SHARE_SITES": "true"}, {"MEMBERS": "1", "SHARE_SITES": "false"}):
        site.centre.edit(settings)
        run("kubectl apply -k k8s/overlays/central", STATE / "central")
        kubectl(AT_THE_CENTRE, "rollout", "status", "deployment/federation", "--timeout=300s")
        if settings["MEMBERS"] == "2":
            yield site


def each_site_once():
    found = shown_by(members())
    return set(found) == set(SITES) and all(len(pods) == 1 for pods in found.values())


def test_members_share_the_sites_out_and_one_that_goes_leaves_its_sites_to_the_other(two_members):
    two_members.until(each_site_once, "each site to be shown by one member")
    first, second = members()
    shown = shown_by([first, second])
    assert {pod for pods in shown.values() for pod in pods} == {first, second}, "each has its part"

    kubectl(AT_THE_CENTRE, "delete", "pod", first, "--wait=false")

    two_members.until(each_site_once, "each site to be shown again")
    two_members.send(1)
