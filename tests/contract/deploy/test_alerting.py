"""Who is told, asked of amtool: every alert of ours goes to somebody, and to the right one."""

import json
import re
import subprocess

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.alerting.configuration import MANY_AT_ONCE, alertmanager
from deploy.alerting.contacts import Contacts
from deploy.alerting.inhibition import CAUSES
from deploy.alerting.kubernetes import alertmanager_config
from deploy.local.machine.binaries import AMTOOL, find

CONTACTS = Contacts.model_validate(
    {
        "page": {"webhooks": ["http://pager.example/"], "mail": ["night@centre.example"]},
        "ticket": {"mail": ["office@centre.example"]},
        "watchdog": "http://watchdog.example/",
        "sites": {"hospital-b": {"page": {"webhooks": ["http://b.example/"]}}},
        "mail_server": {
            "smarthost": "mail.example:587",
            "sender": "segwatch@centre.example",
            "username": "segwatch",
            "password_file": "/run/secrets/mail",
            "authority_file": "/run/secrets/ca.pem",
        },
        "mutes": [
            {"name": "weekend", "days": ["saturday", "sunday"]},
            {"name": "move", "begin": "08:00", "end": "18:00", "pages": True, "sites": ["hospital-c"]},
        ],
    }
)


@pytest.fixture
def configured(tmp_path):
    path = tmp_path / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(alertmanager(CONTACTS)))
    return path


@pytest.fixture
def amtool():
    found = find(AMTOOL)
    if found is None:
        pytest.skip("amtool is neither in .build/bin nor on the PATH: `make setup` fetches it")

    def run(*words):
        return subprocess.run([found, *map(str, words)], capture_output=True, text=True, check=False)

    return run


def alerts_of(root):
    rules = [
        rule
        for name in ("centre", "hospital", "ground")
        for group in yaml.safe_load((root / f"deploy/rules/{name}.yaml").read_text())["groups"]
        for rule in group["rules"]
    ]
    return {rule["alert"]: rule["labels"]["severity"] for rule in rules if "alert" in rule}


def test_alertmanager_takes_the_configuration(amtool, configured):
    done = amtool("check-config", configured)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=page", "site=hospital-a"], "page"),
        (["severity=ticket", "site=hospital-a"], "ticket"),
        (["severity=page", "site=hospital-b"], "hospital-b-page"),
        (["severity=ticket", "site=hospital-b"], "ticket"),
        (["severity=page", "site=hospital-c"], "page"),
        (["severity=page"], "page"),
        (["severity=ticket"], "ticket"),
        (["severity=unheard-of"], "page"),
        ([], "page"),
    ],
)
def test_a_page_and_a_ticket_reach_whom_the_contacts_name(amtool, configured, labels, receiver):
    done = amtool(
        "config", "routes", "test", f"--config.file={configured}", f"--verify.receivers={receiver}", *labels
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_of_the_rules_reaches_somebody(amtool, configured, root):
    for alert, severity in alerts_of(root).items():
        expected = "watchdog" if alert == "SegwatchWatchdog" else severity
        words = [f"alertname={alert}", f"severity={severity}", "site=hospital-a"]
        done = amtool("config", "routes", "test", f"--config.file={configured}", *words)
        assert done.stdout.strip() == expected, alert


def grouping(labels, route=None):
    """By what Alertmanager groups an alert of these labels: the first route that takes it, or its parent."""
    route = route or alertmanager(CONTACTS)["route"]
    for each in route.get("routes", []):
        matchers = [matcher.replace('"', "").split() for matcher in each["matchers"]]
        if all(re.fullmatch(value, labels.get(name, "")) for name, _, value in matchers):
            return each.get("group_by", route["group_by"])
    return route["group_by"]


def test_pages_of_different_sites_are_not_merged_but_what_many_share_and_tickets_are():
    page, ticket = {"severity": "page", "site": "hospital-a"}, {"severity": "ticket", "site": "hospital-a"}
    assert grouping({**page, "alertname": "SegwatchQualityDrop"}) == ["alertname", "site"]
    assert grouping({**page, "alertname": "SegwatchReleasesVanished"}) == ["alertname"]
    assert grouping({**ticket, "alertname": "SegwatchReleaseGap"}) == ["alertname"]


def test_what_is_grouped_by_many_is_an_alert_of_the_rules(root):
    assert {alert for alert, severity in alerts_of(root).items() if severity == "page"} >= set(MANY_AT_ONCE)


def test_causes_and_what_they_explain_are_alerts_of_the_rules(root):
    known = alerts_of(root)

    for cause in CAUSES:
        assert {cause.alert, *cause.explains} <= set(known), cause
        assert cause.alert not in cause.explains


def test_prometheus_operator_takes_the_same_configuration(crd_schemas):
    text = (crd_schemas / "alertmanagerconfig-monitoring-v1alpha1.json").read_text()
    schema = json.loads(text.replace("(?i)", ""))  # Go's way to say that case does not matter; ours is lower

    errors = [
        error.message for error in Draft202012Validator(schema).iter_errors(alertmanager_config(CONTACTS))
    ]

    assert not errors


@pytest.mark.parametrize("overlay", ["hospital", "central"])
def test_each_overlay_tells_somebody_and_its_alerts_bear_the_namespace_that_is_routed(rendered, overlay):
    manifests = rendered(overlay)
    (routes,) = (each for each in manifests if each["kind"] == "AlertmanagerConfig")
    (rules,) = (each for each in manifests if each["kind"] == "PrometheusRule")

    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert {alert["labels"]["namespace"] for alert in alerts} == {routes["metadata"]["namespace"]}
    assert routes["spec"]["receivers"][0]["webhookConfigs"]


def test_compose_is_told_whom_to_tell_by_its_contacts(root):
    written = yaml.safe_load((root / "deploy/alerting/compose/alertmanager.yaml").read_text())
    contacts = yaml.safe_load((root / "deploy/alerting/contacts.yaml").read_text())

    assert written == alertmanager(Contacts.model_validate(contacts))
