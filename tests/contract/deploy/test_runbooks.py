"""Commands of the runbooks: those of ours run against a local log, those of kubectl fit the manifests."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.topics import MEASURED
from segwatch.streaming.deadletters.reading import read_letters
from segwatch.streaming.deadletters.writing import dead_letter
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing, Position, Record
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics
from tests.support.images import little_study
from tests.support.metric_names import known_metrics
from tests.support.releases import at_centre, pulse
from tests.support.runbook_commands import (
    AT_THE_CENTRE,
    COMMANDS,
    IN_HOSPITAL,
    OURS,
    RUNBOOKS,
    SITE,
    Command,
    commands_of,
    shown,
)
from tests.support.site_world import World, scored

ROOT = Path(__file__).resolve().parents[3]
NAMESPACES = {"segwatch": "hospital", "segwatch-centre": "central"}
PROGRAMS = ("kubectl", "python", "date")
WORKLOADS = ("Deployment", "StatefulSet")
READ_ONLY = {"df": ("-h",), "ls": ("-la",), "date": ("-u",)}
"""What is run in a pod beside our own commands, with the options that it has."""
Manifest = dict[str, Any]


OF_KUBECTL = [command for command in COMMANDS if command.words[0] == "kubectl"]


def test_there_are_commands_of_each_kind():
    assert len(OF_KUBECTL) > 50
    assert len(OURS) > 15


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_whatever_is_to_be_typed_stands_in_a_block(page: Path):
    text = re.sub(r"^```sh\n.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)

    assert [code for code in re.findall(r"`(kubectl [^`…]+)`", text) if page.stem != "README"] == []
    assert [command.line for command in commands_of(page) if command.words[0] not in PROGRAMS] == []


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_metrics_that_a_runbook_names_exist(page: Path):
    named = re.findall(r"`(segwatch_[a-z0-9_]+)", page.read_text())

    assert set(named) <= known_metrics()


@pytest.mark.parametrize("name", ["DiskFull", "SiteTopicMissing", "FederationCannotRead", "SiteNewEpoch"])
def test_what_operators_asked_for_has_commands(name: str):
    assert commands_of(ROOT / f"deploy/runbooks/Segwatch{name}.md")
    assert commands_of(ROOT / "deploy/runbooks/ResendReleases.md")


class Cluster:
    """What the manifests of an overlay say is there."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self._manifests = manifests

    def find(self, kind: str, name: str) -> Manifest:
        kind = kind.lower().removesuffix("s")
        kind = {"pvc": "persistentvolumeclaim"}.get(kind, kind)
        found = [
            each
            for each in self._manifests
            if each["kind"].lower() == kind and each["metadata"]["name"] == name
        ]
        assert found, f"there is no {kind} {name}"
        return found[0]

    def workload(self, target: str) -> Manifest:
        """What a pod's name, or `deployment/NAME`, stands for."""
        kind, _, name = target.rpartition("/")
        if kind:
            return self.find(kind, name)
        name, _, number = target.rpartition("-")
        found = self.find("statefulset", name)
        assert int(number) < found["spec"].get("replicas", 1), f"{name} has no pod {number}"
        return found

    def is_broker(self, target: str) -> bool:
        """Whether it is a pod of Strimzi's: CLUSTER-POOL-NUMBER."""
        for pool in (each for each in self._manifests if each["kind"] == "KafkaNodePool"):
            cluster = pool["metadata"]["labels"]["strimzi.io/cluster"]
            pods = [
                f"{cluster}-{pool['metadata']['name']}-{number}" for number in range(pool["spec"]["replicas"])
            ]
            if target in pods:
                return True
        return False

    def kinds(self) -> set[str]:
        return {each["kind"].lower() for each in self._manifests} | {"pod", "secret", "pvc"}

    def label_fits(self, selector: str) -> bool:
        name, _, value = selector.partition("=")
        if name == "strimzi.io/cluster":
            return bool(self.find("Kafka", value))
        if name == "strimzi.io/name":
            return bool(self.find("KafkaConnect", value.removesuffix("-connect")))
        pods = [
            each["spec"]["template"]["metadata"]["labels"]
            for each in self._manifests
            if each["kind"] in WORKLOADS
        ]
        return any(labels.get(name) == value for labels in pods)


@pytest.fixture
def cluster(rendered: Callable[[str], list[Manifest]]) -> Callable[[str], Cluster]:
    return lambda namespace: Cluster(rendered(NAMESPACES[namespace]))


@pytest.mark.parametrize("command", OF_KUBECTL, ids=shown)
def test_a_command_of_kubectl_names_what_the_manifests_have(
    command: Command, cluster: Callable[[str], Cluster]
) -> None:
    words = command.words[1:]
    if words[0] == "apply":
        assert words[1] == "-k"
        assert (ROOT / words[2] / "kustomization.yaml").is_file()
        return
    assert words[0] == "-n", "a command names its namespace"
    verb, *rest = words[2:]
    CHECKS[verb](cluster(words[1]), rest)


def names_and_options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    names, options = [], dict[str, str]()
    words = words[: words.index("--")] if "--" in words else words
    while words:
        word, *words = words
        if word in ("-l", "-o", "-p", "--type"):
            options[word], *words = words
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            options[name] = value
        else:
            names.append(word)
    return names, options


def check_get(there: Cluster, words: list[str]) -> None:
    (kind, *names), options = names_and_options(words)
    assert kind.lower().removesuffix("s") in there.kinds()
    for name in names:
        there.find(kind, name)
    if "-l" in options:
        assert there.label_fits(options["-l"])
    assert options.get("-o", "yaml") == "yaml"


def check_logs(there: Cluster, words: list[str]) -> None:
    targets, options = names_and_options(words)
    for target in targets:
        there.workload(target)
    assert targets or there.label_fits(options["-l"])
    assert set(options) <= {"--tail", "--previous", "--prefix", "-l"}


def check_exec(there: Cluster, words: list[str]) -> None:
    (target,), options = names_and_options(words)
    assert set(options) <= {"-it"}
    program, *arguments = words[words.index("--") + 1 :]
    paths = [each for each in arguments if each.startswith("/")]
    if there.is_broker(target):
        assert all(path.startswith("/var/lib/kafka") for path in paths)
        return
    mounts = mount_paths(there.workload(target))
    assert [path for path in paths if not any(f"{mount}/".startswith(f"{path}/") for mount in mounts)] == []
    if program != "segwatch":
        assert set(arguments) - set(paths) <= set(READ_ONLY[program])


def mount_paths(workload: Manifest) -> list[str]:
    containers = workload["spec"]["template"]["spec"]["containers"]
    return [mount["mountPath"] for each in containers for mount in each.get("volumeMounts", [])]


def check_describe(there: Cluster, words: list[str]) -> None:
    kind, target = words
    assert kind == "pod"
    there.workload(target)


def check_scale(there: Cluster, words: list[str]) -> None:
    (target,), options = names_and_options(words)
    there.workload(target)
    assert 0 <= int(options["--replicas"]) <= 3, "a topic has three partitions"


def check_rollout(there: Cluster, words: list[str]) -> None:
    assert words[0] == "restart"
    there.workload(words[1])


def check_patch(there: Cluster, words: list[str]) -> None:
    (kind, name), options = names_and_options(words)
    assert options["--type"] == "merge"
    there.find(kind, name)
    assert json.loads(options["-p"])["spec"]


def check_annotate(there: Cluster, words: list[str]) -> None:
    kind, name, annotation = words
    there.find(kind, name)
    assert re.fullmatch(r"[a-z0-9./-]+=[a-z0-9]+", annotation)


CHECKS: dict[str, Callable[[Cluster, list[str]], None]] = {
    "get": check_get,
    "logs": check_logs,
    "exec": check_exec,
    "describe": check_describe,
    "scale": check_scale,
    "rollout": check_rollout,
    "patch": check_patch,
    "annotate": check_annotate,
}


@cache
def help_of(verb: str) -> str:
    return subprocess.run(["kubectl", verb, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("command", OF_KUBECTL, ids=shown)
def test_kubectl_itself_knows_the_options(command: Command) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine")
    words = command.words[1:]
    verb, *rest = words if words[0] != "-n" else words[2:]
    _, options = names_and_options(rest)

    for option in options:
        for name in ("-i", "-t") if option == "-it" else (option,):
            assert re.search(rf"(?m)^\s*(-\w, )?{re.escape(name)}[=,]", help_of(verb)), (verb, name)


@pytest.mark.parametrize("command", COMMANDS, ids=shown)
def test_a_page_of_one_side_asks_that_side(command: Command):
    """A hospital's people cannot reach the centre's cluster, nor the centre's theirs."""
    alerts = {
        side: {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
        for side, rules in (
            (side, yaml.safe_load((ROOT / f"deploy/rules/{side}.yaml").read_text()))
            for side in ("centre", "hospital")
        )
    }
    if command.page in alerts["hospital"]:
        assert "segwatch-centre" not in command.words
        assert command.words[0] != "segwatch" or command.words[1] == "intake"


def copied(record: Record) -> Outgoing:
    return Outgoing(record.at.topic, record.key, record.value, record.headers, record.timestamp_ms)


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hospital's log, with blocks, an audit log, and a study that was put aside."""
    world = World()
    world.add([scored(number) for number in range(125)])
    world.run(world.service())
    file = tmp_path / "log.sqlite"
    failed = Record(Position(MEASURED, 0, 0), b"key", b"value", (("ce_id", b"x"),), 1)
    with EmbeddedLog(file) as log:
        make_hospital_topics(log)
        with log.producer() as producer:
            for records in world.log.records.values():
                producer.send([copied(each) for each in records])
            producer.send([dead_letter(failed, "scoring", "missing_object", "the object is not there", 3)])
    shutil.copy(world.audit_log, tmp_path / "audit.jsonl")
    (tmp_path / "inbox").mkdir()
    for name, value in {
        "SITE": SITE,
        "LOG_FILE": str(file),
        "LOG": "embedded",
        "AUDIT_LOG": str(tmp_path / "audit.jsonl"),
        "INBOX": str(tmp_path / "inbox"),
    }.items():
        monkeypatch.setenv(f"SEGWATCH_{name}", value)
    return file


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The centre's log, in which a site has changed for the worse, and has sent what nobody can read."""
    file = tmp_path / "centre.sqlite"
    counts = [3, 2, 4, 3, 5, 2, 3, 4, 1, 3] * 3 + [14, 15, 16, 14]
    with EmbeddedLog(file) as log:
        make_centre_topics(log, [SITE, "hospital-b"])
        with log.producer() as producer:
            releases = [at_centre(SITE, pulse(number, count)) for number, count in enumerate(counts)]
            conflict = at_centre(SITE, pulse(0, 9))
            producer.send([*releases, conflict])
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(file))
    return file


def run(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"


@pytest.fixture
def dicom_study(tmp_path: Path) -> Path:
    return little_study(tmp_path / "study")


@pytest.mark.parametrize("command", IN_HOSPITAL, ids=shown)
def test_our_commands_run_in_the_hospital(command: Command, hospital: Path, dicom_study: Path) -> None:
    with EmbeddedLog(hospital) as log:
        (letter,) = read_letters(log).by_id
    words = [{"ID": letter, "STUDYFOLDER": str(dicom_study)}.get(word, word) for word in command.in_pod[1:]]

    run(words)


@pytest.mark.parametrize("command", AT_THE_CENTRE, ids=shown)
@pytest.mark.usefixtures("centre")
def test_our_commands_run_at_the_centre(command: Command) -> None:
    run(command.in_pod[1:])
