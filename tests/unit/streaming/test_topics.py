"""`segwatch topics create`: the topics of a hospital and of the centre."""

import pytest
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.topics import (
    CENTRE_TOPICS,
    COPIED,
    HOSPITAL_TOPICS,
    LEDGER,
    RECEIVED,
    RELEASE,
    SCORED,
    at_the_centre,
    dead_letters,
)
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing
from tests.support.streaming import read_all


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


def write(file, *values):
    with EmbeddedLog(file) as log, log.producer() as producer:
        producer.send([Outgoing(LEDGER, b"site", each, (("ce_id", each),)) for each in values])


def ledger(file):
    with EmbeddedLog(file) as log:
        return [(each.key, each.value, each.headers) for each in read_all(log, LEDGER)]


def test_what_is_the_record_is_copied_and_put_back(file, tmp_path):
    create()
    write(file, b"1", b"2")
    before, copies = ledger(file), tmp_path / "copies"
    copies.mkdir()
    saved = topics("save", str(copies))
    assert saved.exit_code == 0
    assert {each.name.split("-")[0] for each in copies.iterdir()} == set(COPIED)
    file.unlink()
    create()

    assert f"{LEDGER}: 2 records were put back, 0 were there" in topics("restore", str(copies)).stdout
    assert ledger(file) == before


def test_a_copy_of_what_was_lost_is_kept_and_said(file, tmp_path):
    create()
    write(file, b"1")
    assert topics("save", str(tmp_path)).exit_code == 0
    (precious,) = tmp_path.glob(f"{LEDGER}-*")
    file.unlink()
    create()

    for _ in range(3):
        told = topics("save", str(tmp_path), "--keep", "1")
        assert told.exit_code == 1
        assert f"{precious} stays" in told.stderr


@pytest.mark.usefixtures("file")
def test_a_principal_that_sees_no_such_topic_has_copied_nothing_and_is_told_so(tmp_path):
    create("--site", "hospital-a")  # decisions alone are there
    assert topics("save", str(tmp_path)).exit_code == 0
    assert "no copy of segwatch.site.ledger" in str(topics("restore", str(tmp_path)).exception)
    (tmp_path / "log.sqlite").unlink()

    assert "may be seen by this principal" in str(topics("save", str(tmp_path)).exception)


def topics(*words):
    return CliRunner().invoke(app, ["topics", *words])
