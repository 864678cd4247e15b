"""`segwatch topics create`: the topics of a hospital and of the centre."""

import pytest
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.topics import (
    CENTRE_TOPICS,
    HOSPITAL_TOPICS,
    LEDGER,
    RECEIVED,
    RELEASE,
    SCORED,
    at_the_centre,
    dead_letters,
)
from segwatch.streaming.embedded.log import EmbeddedLog


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "log.sqlite"
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(path))
    return path


def create(*words):
    return CliRunner().invoke(app, ["topics", "create", *words])


def test_a_hospital_gets_every_topic_that_its_services_ask_for(file):
    told = create()

    assert told.exit_code == 0
    with EmbeddedLog(file) as log:
        assert log.topics() == {*HOSPITAL_TOPICS} >= {RECEIVED, dead_letters(SCORED), LEDGER, RELEASE}
    assert f"made {RECEIVED}" in told.stdout


@pytest.mark.usefixtures("file")
def test_what_is_there_is_left_alone_and_said():
    create()

    assert create().stdout == "every topic is there already\n"


def test_the_centre_gets_each_sites_release_topic_and_its_own_of_decisions(file):
    create("--site", "hospital-a", "--site", "hospital-b")

    with EmbeddedLog(file) as log:
        assert log.topics() == {at_the_centre("hospital-a"), at_the_centre("hospital-b"), *CENTRE_TOPICS}
