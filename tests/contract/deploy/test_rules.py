"""The rules parse, pass promtool's unit tests, ask for metrics that exist, and lead to a runbook."""

import re
import subprocess
from copy import deepcopy

import pytest
import yaml

from deploy.alerting.rules import rule_file
from deploy.local.machine.binaries import PROMTOOL, find
from tests.support.metric_names import known_metrics, metrics_in

RULES = ("centre", "hospital", "ground")
UNIT_TESTS = (
    "centre_change",
    "centre_observer",
    "centre_quality",
    "centre_shared",
    "centre_sites",
    "centre_pace",
    "centre_weekend",
    "hospital",
    "ground",
    "words",
)


@pytest.fixture
def promtool():
    found = find(PROMTOOL)
    if found is None:
        pytest.skip("promtool is neither in .build/bin nor on the PATH: `make setup` fetches it")
    return str(found)


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def rules_of(root, name):
    groups = yaml.safe_load((root / "deploy/rules" / f"{name}.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts_of(root):
    return [rule for name in RULES for rule in rules_of(root, name) if "alert" in rule]


@pytest.mark.parametrize("name", RULES)
def test_promtool_finds_nothing_wrong(promtool, root, name):
    done = run(
        promtool, "check", "rules", "--lint=all", "--lint-fatal", f"{name}.yaml", cwd=root / "deploy/rules"
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_promtools_unit_tests_pass(promtool, root, name):
    done = run(promtool, "test", "rules", f"{name}.yaml", cwd=root / "deploy/rules/tests")

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_unit_test_file_is_run(root):
    files = {path.stem for path in (root / "deploy/rules/tests").iterdir()}

    assert files == set(UNIT_TESTS)


@pytest.mark.parametrize(
    ("old", "new", "unit_tests"),
    [
        ("ratio > 0.5", "ratio > 0.8", "centre_quality"),
        ("unless on () fleet:segwatch_watched:bool", "unless on () vector(1)", "centre_weekend"),
        ("together:count >= 2", "together:count >= 1", "centre_change"),
        ("pulses:max >= 3", "pulses:max >= 2", "centre_quality"),
        ("> on (site) 4 *", "> on (site) 40 *", "centre_sites"),
        ("> on (site) time()", "> on (site) 9e9 + time()", "centre_observer"),
        ("max by (site) (segwatch_federation_taken_over_timestamp_seconds)", "vector(0)", "centre_shared"),
        ("and on (site) site:segwatch_unshown:bool", "and on (site) vector(0)", "centre_shared"),
        ("unless on (site) segwatch_federation_pulses", "unless on (site) vector(0)", "centre_shared"),
        ("3 + (count(", "3 + 0 * (count(", "centre_shared"),
        ("on (site) 2.5 * site:", "on (site) 4 * site:", "centre_observer"),
        ("heartbeat_timestamp_seconds[2h]", "heartbeat_timestamp_seconds[9h]", "centre_observer"),
        ("max_over_time(fleet:segwatch_silent:count[30m])", "vector(0)", "centre_observer"),
        ("last_over_time(site:segwatch_silent:bool[1d])", "vector(0)", "centre_sites"),
    ],
)
def test_a_rule_that_says_something_else_fails_its_unit_tests(promtool, root, tmp_path, old, new, unit_tests):
    rules = (root / "deploy/rules/centre.yaml").read_text()
    assert old in rules
    (tmp_path / "tests").mkdir()
    (tmp_path / "centre.yaml").write_text(rules.replace(old, new))
    (tmp_path / "tests" / "unit.yaml").write_text(
        (root / f"deploy/rules/tests/{unit_tests}.yaml").read_text()
    )

    assert run(promtool, "test", "rules", "unit.yaml", cwd=tmp_path / "tests").returncode == 1


@pytest.mark.parametrize("name", RULES)
def test_rules_ask_only_for_metrics_that_exist(root, name):
    known = known_metrics()

    for rule in rules_of(root, name):
        assert metrics_in(rule["expr"]) <= known, rule


def test_records_are_named_level_metric_operation(root):
    for name in RULES:
        for rule in rules_of(root, name):
            if "record" in rule:
                assert re.fullmatch(r"[a-z_]+:segwatch_[a-z_]+:[a-z0-9_]+", rule["record"])


def test_every_alert_says_what_and_why_and_has_its_runbook(root):
    for alert in alerts_of(root):
        assert alert["labels"]["severity"] in {"page", "ticket", "watchdog"}
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"deploy/runbooks/{alert['alert']}.md"
        assert (root / alert["annotations"]["runbook_url"]).is_file(), alert["alert"]


def test_every_runbook_belongs_to_an_alert(root):
    runbooks = {path.stem for path in (root / "deploy/runbooks").glob("*.md")} - {"README", "ResendReleases"}

    assert runbooks == {alert["alert"] for alert in alerts_of(root)}


@pytest.mark.parametrize(("overlay", "name"), [("hospital", "hospital"), ("central", "centre")])
def test_kubernetes_runs_the_same_rules(rendered, overlay, name):
    (rule,) = (deepcopy(each) for each in rendered(overlay) if each["kind"] == "PrometheusRule")

    spec = deepcopy(rule["spec"])
    for each in (each for group in spec["groups"] for each in group["rules"] if "alert" in each):
        assert each["labels"].pop("namespace")
    assert spec == rule_file(name)
