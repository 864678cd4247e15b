"""A small hospital without operators on a real Kubernetes: by its page's words, from PACS to centre."""

import re
import sys
from base64 import b64decode

import pytest

from deploy.cluster import control
from deploy.cluster.folders import PACS, STATE
from deploy.cluster.installation import (
    AT_THE_CENTRE,
    HOSPITAL,
    Overlay,
    apply,
    demo_models,
    give_address,
    run,
    steps,
    volumes,
)
from deploy.helm.__main__ import CHART
from deploy.local.machine.folders import ROOT
from tests.cluster.conftest import WORKLOADS, ask_for_little, say, secrets_of_the_hospital
from tests.support.helm import helm

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]
SMALL, SITE, DOOR = "segwatch-small", "hospital-b", "203.0.113.6"
FOLDER = STATE / "small"
PAGE = ROOT / "docs" / "operations" / "helm.md"


def kubectl(*words, **more):
    return control.kubectl("-n", SMALL, *words, **more)


def rolled_out():
    for name, kind in {"log-keeper": "deployment", "bridge-connect": "deployment", **WORKLOADS}.items():
        kubectl("rollout", "status", f"{kind}/{name}", "--timeout=600s")


def overlay():
    """As its owner edits it, and in a namespace of its own."""
    settings = {"SITE": SITE, "CENTRE_KAFKA": "198.51.100.10:9094", "LESION_MODEL": ""}
    made = Overlay("small", SMALL, settings, edited="hospital")
    made.without_torch()
    for file in made.k8s.rglob("*.yaml"):
        file.write_text(
            re.sub(r"^(\s*namespace: )segwatch$", rf"\1{SMALL}", file.read_text(), flags=re.MULTILINE)
        )
    namespace = made.k8s / "overlays/hospital/namespace.yaml"
    namespace.write_text(namespace.read_text().replace("  name: segwatch\n", f"  name: {SMALL}\n"))
    ask_for_little(made)
    return made


def install():
    """By the words of both pages, but for the namespace's name."""
    made = overlay()
    secrets_of_the_hospital(FOLDER, SITE)
    given = {"-n segwatch ": f"-n {SMALL} ", **{name: str(path) for name, path in demo_models().items()}}
    by_hand, _, models = steps("A hospital", given)[:3]
    (small,) = [each for each in steps("Small, without an operator", given, PAGE) if "apply -k" in each]
    run(by_hand, FOLDER)
    apply(volumes(made))
    say(small.replace("\n", "; "))
    run(small, FOLDER)
    give_address(SMALL, DOOR)
    run(models, FOLDER)


@pytest.fixture(scope="module")
def small(site):
    """Beside the hospital of the other tests, for its centre."""
    if not control.kubectl("get", "namespace", SMALL, "--ignore-not-found", "-o", "name"):
        install()
    rolled_out()
    return site


def send(count, first):
    words = [DOOR, "11112", str(FOLDER / "tls.crt"), PACS, str(count), str(first)]
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.cluster.studies", *words]
    return control.outside(*command).stdout


def counted(site):
    return sum(site.metric("aggregation", "segwatch_site_counted_studies", SMALL).values())


def pulses(site):
    found = site.metric("federation", "segwatch_federation_pulses", AT_THE_CENTRE)
    return sum(value for labels, value in found.items() if SITE in labels)


def sends_and_counts(site, count, first):
    before = counted(site)
    said = send(count, first)
    assert said.count(" 25 images, 0 refused") == count, said
    site.until(lambda: counted(site) >= before + count, "every study to be counted", 900)
    assert counted(site) == before + count


def secret(name):
    path = r"jsonpath={.data.ca\.crt}"
    return b64decode(kubectl("get", "secret", name, "-o", path))


def may(verb, what):
    """Whether the keeper may."""
    who = f"system:serviceaccount:{SMALL}:log-keeper"
    return kubectl("auth", "can-i", verb, what, f"--as={who}", check=False).strip() == "yes"


def test_studies_go_from_the_pacs_to_the_centre_without_any_operator(small):
    before = pulses(small)
    sends_and_counts(small, 20, 9000)
    took = small.until(lambda: pulses(small) > before, "a pulse at the centre")
    print(f"its pulse is at the centre {took:.0f} s after 20 studies were counted")


@pytest.mark.usefixtures("small")
def test_the_keeper_may_fill_its_own_secrets_and_reach_no_other():
    assert may("get", "secret/scoring")
    assert may("patch", "secret/log-cluster-ca")
    assert not may("get", "secret/ingest-secrets")
    assert not may("create", "secrets")
    assert not may("list", "secrets")
    assert not may("get", "pods")


@pytest.mark.usefixtures("small")
def test_applying_again_leaves_certificates_where_they_are():
    before = secret("scoring"), secret("log-cluster-ca")
    run("kubectl apply -k k8s/overlays/small", FOLDER)

    assert before == (secret("scoring"), secret("log-cluster-ca"))
    assert all(before)


def test_an_authority_that_is_lost_is_made_anew_and_studies_go_on(small):
    """The broker starts again with its new certificate by itself; no service need be."""
    before = secret("log-cluster-ca-cert")
    kubectl("patch", "secret", "log-cluster-ca", "--type=merge", "-p", '{"data": null}')
    kubectl("rollout", "restart", "deployment/log-keeper")
    small.until(lambda: secret("log-cluster-ca-cert") != before, "another authority")
    rolled_out()

    sends_and_counts(small, 1, 9900)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("values", "namespace"), [("values.yaml", HOSPITAL), ("values-small.yaml", SMALL)])
def test_the_api_server_takes_what_helm_renders(values, namespace):
    words = ("segwatch", str(CHART), "--namespace", namespace, "--values", str(CHART / values))
    text = helm("template", *words)
    asked = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    taken = control.kubectl(*asked, given=text)

    assert len(taken.splitlines()) == len(re.findall(r"^kind: ", text, flags=re.MULTILINE))
