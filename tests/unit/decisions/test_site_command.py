"""`segwatch site`: at the centre and in a hospital, on a real log of the embedded kind."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.topics import DECISIONS, SCORED
from segwatch.errors import BadInput
from segwatch.streaming.decisions import decisions_in
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics
from tests.support.releases import at_centre, pulse
from tests.support.site_world import record_of, scored

GOOD = (3, 2, 4, 3, 5, 2, 3, 4, 1, 3) * 3
DROP = (*GOOD, 14, 15, 16, 14)


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "log.sqlite"
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(path))
    monkeypatch.setenv("COLUMNS", "200")
    return path


@pytest.fixture
def centre(file):
    with EmbeddedLog(file) as log:
        make_centre_topics(log, ["hospital-a", "hospital-b", "hospital-c"])
        with log.producer() as producer:
            producer.send([at_centre("hospital-a", pulse(number, 3)) for number in range(10)])
            producer.send([at_centre("hospital-b", pulse(number, z)) for number, z in enumerate(DROP)])
    return file


def run(*words):
    return CliRunner().invoke(app, ["site", *words], catch_exceptions=True)


def rows():
    return {row["site"]: row for row in json.loads(run("status", "--json").stdout)}


def decisions(file):
    with EmbeddedLog(file) as log, log.reader([DECISIONS]) as reader:
        return list(decisions_in(reader.poll(0.1)).values())


@pytest.mark.usefixtures("centre")
def test_the_status_says_what_stands_since_when_and_of_whom_nothing_is_known():
    found = rows()

    assert found["hospital-b"]["alarm"]
    assert found["hospital-b"]["since"]["pulse"] == 30
    assert not found["hospital-a"]["alarm"]
    assert found["hospital-c"]["pulses"] == 0
    table = run("status").stdout.splitlines()
    assert table[1].split()[0] == "hospital-b", "those with an alarm come first"
    assert "pulse 30" in table[1]
    assert "nothing is known yet" in table[3]


def test_an_alarm_is_acknowledged_once_and_by_somebody(centre):
    told = run("acknowledge", "hospital-b", "--reason", "a phantom was sent")
    again = run("acknowledge", "hospital-b", "--reason", "a phantom was sent")

    assert told.exit_code == again.exit_code == 0
    assert "hospital-b: acknowledged behind pulse 33 of epoch 1" in told.stdout
    assert "already acknowledged" in again.stdout
    (decision,) = decisions(centre)
    assert (decision.reason, decision.follows) == ("a phantom was sent", (1, 33))
    assert "@" in decision.who
    assert not rows()["hospital-b"]["alarm"]


@pytest.mark.usefixtures("centre")
def test_a_site_is_rebaselined():
    assert run("rebaseline", "hospital-b", "--reason", "a new scanner").exit_code == 0

    assert not rows()["hospital-b"]["alarm"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("acknowledge", "hospital-x", "--reason", "r"), "there is no site 'hospital-x'"),
        (("acknowledge", "hospital-a", "--reason", "r"), "no alarm stands at hospital-a"),
        (("acknowledge", "hospital-c", "--reason", "r"), "has released no pulse yet"),
        (("rebaseline", "hospital-b", "--reason", "  "), "--reason needs a sentence"),
        (("announce", "hospital-b", "--reason", "r"), "a change is announced in the hospital"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_written(centre, words, why):
    told = run(*words)

    assert isinstance(told.exception, BadInput)
    assert why in str(told.exception)
    assert decisions(centre) == []


def test_a_hospital_decides_behind_its_last_study_about_itself_only(file, monkeypatch):
    monkeypatch.setenv("SEGWATCH_SITE", "hospital-a")
    with EmbeddedLog(file) as log:
        make_hospital_topics(log)
        with log.producer() as producer:
            producer.send([record_of(scored(number)) for number in range(7)])

    assert run("announce", "hospital-a", "--reason", "scanner 2 from today").exit_code == 0
    refused = run("acknowledge", "hospital-b", "--reason", "r")

    assert "this is the log of 'hospital-a'" in str(refused.exception)
    (decision,) = decisions(file)
    assert (decision.decision, decision.scored_to, decision.follows) == ("announce", 7, None)


def test_conflicts_and_refused_releases_stand_until_they_are_acknowledged(centre):
    nothing = run("acknowledge", "hospital-a", "--releases", "--reason", "r")
    poison = at_centre("hospital-a", pulse(3, 3))
    with EmbeddedLog(centre) as log, log.producer() as producer:
        producer.send([at_centre("hospital-a", pulse(0, 9)), replace(poison, value=b"poison")])
    before = rows()["hospital-a"]
    told = run("acknowledge", "hospital-a", "--releases", "--reason", "the ledger was restored")
    again = run("acknowledge", "hospital-a", "--releases", "--reason", "the ledger was restored")
    after = rows()
    with EmbeddedLog(centre) as log, log.producer() as producer:
        producer.send([at_centre("hospital-a", pulse(1, 9))])

    assert "nothing to acknowledge" in str(nothing.exception)
    assert (before["conflicts"], before["refused"]) == (1, 1)
    assert "acknowledged the releases that do not count before offset 12" in told.stdout
    assert "already" in again.stdout
    assert len(decisions(centre)) == 1
    assert (after["hospital-a"]["conflicts"], after["hospital-a"]["refused"]) == (0, 0)
    assert after["hospital-b"]["alarm"], "an alarm is another matter"
    assert rows()["hospital-a"]["conflicts"] == 1


def test_releases_are_acknowledged_at_the_centre_only(file):
    with EmbeddedLog(file) as log:
        make_hospital_topics(log)

    told = run("acknowledge", "local", "--releases", "--reason", "r")

    assert "--releases is the centre's" in str(told.exception)


def test_a_log_without_sites_is_named(file):
    with EmbeddedLog(file) as log:
        log.create_topics({"something.else": 1, SCORED + ".x": 1})

    assert "neither a hospital's nor a centre's" in str(
        run("acknowledge", "hospital-a", "--reason", "r").exception
    )
    assert "no site releases into this log" in str(run("status").exception)
