"""The file of contacts: what it may say, and what is refused because nobody would be told."""

import re

import pytest

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contacts, Links, read_contacts
from deploy.alerting.kubernetes import alertmanager_config
from deploy.alerting.rules import linked
from segwatch.errors import BadInput

PAGER = {"webhooks": ["http://pager.example/"]}
MAIL = {"smarthost": "mail.example:587", "sender": "segwatch@hospital.example"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "valid dictionary"),
        ("page: {}", "nobody would be told"),
        ("page: {webhooks: [pager]}", "page.webhooks.0"),
        ("page: {webhooks: [http://p/]}\npagers: 1", "pagers"),
        ("page: {mail: [ops]}", "page.mail.0"),
        ("page: {mail: [ops@h.example]}", "need mail_server"),
        (
            "page: {webhooks: [http://p/]}\nmail_server: {smarthost: h, sender: a@b.c}",
            "mail_server.smarthost",
        ),
        (
            "page: {webhooks: [http://p/]}\nmail_server: {smarthost: 'h:25', sender: a@b.c, username: me}",
            "password_file",
        ),
        ("page: {webhooks: [http://p/]}\nmutes: [{name: n, begin: '22:00', end: '06:00'}]", "not before"),
        ("page: {webhooks: [http://p/]}\nmutes: [{name: n}, {name: n}]", "one name"),
        ("page: {webhooks: [http://p/]}\nsites: {A b: {}}", "sites"),
        ("page: [", "cannot be read"),
    ],
)
def test_a_file_that_would_leave_somebody_untold_is_refused_by_name(tmp_path, text, wrong):
    path = tmp_path / "contacts.yaml"
    path.write_text(text)

    with pytest.raises(BadInput) as refused:
        read_contacts(path)

    assert str(path) in str(refused.value)
    assert wrong in str(refused.value)


def test_a_mute_time_holds_for_tickets_and_for_pages_only_where_it_says_so():
    contacts = Contacts.model_validate(
        {
            "page": PAGER,
            "mutes": [{"name": "night", "end": "06:00"}, {"name": "move", "pages": True, "sites": ["a"]}],
        }
    )

    muted = {
        tuple(route["matchers"]): route.get("mute_time_intervals", [])
        for route in alertmanager(contacts)["route"]["routes"]
    }

    assert muted[('severity = "page"', 'site = "a"')] == ["move"]
    assert muted[('severity = "ticket"', 'site = "a"')] == ["night", "move"]
    assert muted[('severity = "page"',)] == []
    assert muted[('severity = "ticket"',)] == ["night"]


def test_a_password_stands_in_no_configuration():
    server = {**MAIL, "username": "me", "password_file": "/run/secrets/mail"}
    contacts = Contacts.model_validate({"page": {"mail": ["ops@h.example"]}, "mail_server": server})

    assert alertmanager(contacts)["global"]["smtp_auth_password_file"] == "/run/secrets/mail"
    (email,) = alertmanager_config(contacts)["spec"]["receivers"][0]["emailConfigs"]
    assert email["authPassword"] == {"name": "alertmanager-mail", "key": "password"}


def test_kubernetes_refuses_a_mute_time_that_it_would_take_for_utc():
    mutes = [{"name": "night", "end": "06:00", "location": "Europe/Berlin"}]

    with pytest.raises(BadInput, match=r"night.*UTC"):
        alertmanager_config(Contacts.model_validate({"page": PAGER, "mutes": mutes}))


@pytest.mark.parametrize("slash", ["", "/"])
def test_links_lead_to_the_published_runbook_and_to_the_sites_dashboard(slash):
    rule = {
        "alert": "SegwatchX",
        "annotations": {"runbook_url": "deploy/runbooks/SegwatchX.md", "summary": "x"},
    }
    rules = {"groups": [{"name": "g", "rules": [{"record": "a:b:c", "expr": "b"}, rule]}]}
    links = Links.model_validate(
        {"runbooks": f"https://wiki.example/segwatch{slash}", "grafana": f"https://g.example/grafana{slash}"}
    )

    (group,) = linked(rules, "centre", links)["groups"]

    assert group["rules"][0] == rules["groups"][0]["rules"][0]
    assert group["rules"][1]["annotations"] == {
        "runbook_url": "https://wiki.example/segwatch/SegwatchX.md",
        "dashboard_url": "https://g.example/grafana/d/segwatch-federation?var-site={{ $labels.site }}",
        "summary": "x",
    }
    assert linked(rules, "centre", None) == rules


@pytest.mark.parametrize(
    ("name", "alert", "board"),
    [
        ("centre", "SegwatchSiteSilent", "segwatch-federation"),
        ("hospital", "SegwatchDeadLetters", "segwatch-pipeline"),
        ("hospital", "SegwatchDiskFull", "segwatch-pipeline"),
        ("centre", "SegwatchDiskFull", "segwatch-federation"),
    ],
)
def test_a_page_leads_to_the_panel_that_shows_what_it_is_about(name, alert, board):
    rules = {"groups": [{"name": "g", "rules": [{"alert": alert, "annotations": {"runbook_url": "x.md"}}]}]}
    links = Links(runbooks="https://wiki.example/", grafana="https://g.example/")

    (group,) = linked(rules, name, links)["groups"]

    (rule,) = group["rules"]
    url = rule["annotations"]["dashboard_url"]
    assert re.fullmatch(
        rf"https://g\.example/d/{board}\?var-site=\{{\{{ \$labels\.site \}}\}}&viewPanel=\d+", url
    )
