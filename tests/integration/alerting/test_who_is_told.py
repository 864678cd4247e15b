"""A real Alertmanager: what is posted and mailed, and what is not, because something else explains it."""

import json
import mailbox
import re
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from deploy.alerting.contacts import Contacts
from deploy.local.machine.binaries import ALERTMANAGER, find
from deploy.local.machine.supervisor import running
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.pager import Pager
from tests.support.mail_server import NIGHT, mail_server

DEADLINE_SECONDS = 60
LINES_OF_A_TIRED_PERSON = 8

pytestmark = pytest.mark.slow


@pytest.fixture
def pager():
    made = Pager()
    yield made
    made.close()


@pytest.fixture
def binary():
    found = find(ALERTMANAGER)
    if found is None:
        pytest.skip("alertmanager is neither in .build/bin nor on the PATH: `make setup` fetches it")
    return found


def alert(name, severity="page", **labels):
    """As Prometheus posts it."""
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {
            "summary": f"{name} at {labels.get('site', 'the centre')}",
            "description": "What is known.",
            "runbook_url": f"https://wiki.example/{name}.md",
            "dashboard_url": "https://grafana.example/d/segwatch-federation",
        },
        "endsAt": (datetime.now(UTC) + timedelta(minutes=20)).isoformat(),
    }


def post(server, alerts):
    request = urllib.request.Request(
        f"http://{server.address}/api/v2/alerts",
        json.dumps(alerts).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_what_a_cause_explains_is_not_posted_beside_it(binary, pager, tmp_path):
    contacts = Contacts.model_validate({"page": {"webhooks": [pager.url("central")]}})
    pages = []

    def has(name):
        pages.extend(pager.take())
        return name in {page.alert for page in pages}

    server = Alertmanager("alertmanager", binary, tmp_path, contacts)
    with running(server):
        silent = [alert("SegwatchSiteSilent", site=f"hospital-{number}") for number in range(40)]
        post(server, [alert("SegwatchFederationDown"), *silent])
        assert comes_true(lambda: has("SegwatchFederationDown"), DEADLINE_SECONDS, 0.2)
        # What comes last proves that those before it were not merely late: their group waited as long.
        post(server, [alert("SegwatchLast")])
        assert comes_true(lambda: has("SegwatchLast"), DEADLINE_SECONDS, 0.2)

    assert [page.alert for page in pages] == ["SegwatchFederationDown", "SegwatchLast"]


def test_a_page_is_mailed_over_tls_in_few_lines_with_links_that_open(binary, tmp_path):
    with mail_server() as mail:
        contacts = Contacts.model_validate(
            {
                "page": {"mail": [NIGHT]},
                "mail_server": {
                    "smarthost": mail.address,
                    "sender": "segwatch@hospital.example",
                    "username": mail.username,
                    "password_file": str(mail.password_file),
                    "authority_file": str(mail.authority_file),
                },
            }
        )
        server = Alertmanager("alertmanager", binary, tmp_path, contacts)
        with running(server):
            post(server, [alert("SegwatchSiteSilent", site="hospital-a")])
            assert comes_true(mail.mailbox.exists, DEADLINE_SECONDS, 0.2), mail.log()
        with closing(mailbox.mbox(mail.mailbox)) as box:
            (message,) = box

    assert message["Subject"] == "[segwatch page] SegwatchSiteSilent at hospital-a"
    text = message.get_payload(decode=True) or message.get_payload(0).get_payload(decode=True)
    lines = [line for line in text.decode().splitlines() if line]
    assert re.fullmatch(r"SegwatchSiteSilent at hospital-a \(since [-0-9]{10} [0-9:]{5} UTC\)", lines[0])
    assert lines[1:] == [
        "What is known.",
        "Look: https://grafana.example/d/segwatch-federation",
        "Do: https://wiki.example/SegwatchSiteSilent.md",
    ]
    assert len(lines) <= LINES_OF_A_TIRED_PERSON
