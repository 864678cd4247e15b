"""The drills of docs/operations/drills.md on a server: copies of the ledger are made, and put back."""

import json
from pathlib import Path

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import DATA
from segwatch.contracts.topics import LEDGER, RELEASE
from tests.server.hospital import SECONDS, Hospital, Refused

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
PULSE = 20
BACKUPS = f"{DATA}/backups"


def copies(hospital: Hospital) -> list[Path]:
    return sorted(hospital.machine.at(BACKUPS).glob(f"{LEDGER}-*"))


def budget(hospital: Hospital) -> dict[str, object]:
    """What `segwatch privacy budget` says, by aggregation's own settings."""
    said = hospital.segwatch("aggregation", "privacy", "budget", "--json")
    return dict(json.loads(said))


def released(hospital: Hospital) -> list[tuple[str, str]]:
    """The blocks that left, each with its id; heartbeats are none."""
    return [each for each in hospital.records(RELEASE) if each[0].startswith(("pulse", "portrait"))]


@pytest.fixture(scope="module")
def copied(hospital: Hospital) -> Hospital:
    """A hospital whose first pulse was released, and whose ledger was copied then."""
    hospital.feed(range(PULSE + 5))
    hospital.scored(PULSE + 5)
    assert comes_true(lambda: len(released(hospital)) == 1, SECONDS), hospital.state()
    hospital.machine.run("systemctl", "start", "segwatch-backup")
    return hospital


def test_a_timer_copies_the_ledger_for_its_own_user_alone(copied: Hospital):
    timers = copied.machine.run("systemctl", "list-timers", "--no-pager").stdout
    assert "segwatch-backup.timer" in timers
    assert copied.shown("backup", "Result") == "success"
    newest = copies(copied)[-1]
    assert newest.stat().st_mode & 0o077 == 0
    assert newest.stat().st_size > 100


def test_a_ledger_that_is_not_lost_is_left_alone(copied: Hospital):
    before = copied.records(LEDGER)

    copied.deploy("restore", f"{BACKUPS}/{copies(copied)[-1].name}")

    assert copied.records(LEDGER) == before
    assert comes_true(copied.well, SECONDS), copied.state()


def test_a_log_that_was_lost_is_put_back_with_what_was_released(copied: Hospital):
    spent, before, newest = budget(copied), released(copied), copies(copied)[-1].name
    copied.machine.run("systemctl", "stop", *copied.programs())
    copied.machine.run("sh", "-c", f"rm -r {DATA}/kafka/*")  # the disk of the log is a new one

    copied.deploy("restore", f"{BACKUPS}/{newest}")

    assert comes_true(lambda: released(copied)[:1] == before, SECONDS), copied.state()
    assert budget(copied)["studies"] == spent["studies"]
    copied.feed(range(200, 200 + PULSE))
    assert comes_true(lambda: len(released(copied)) == 2, SECONDS), copied.said("aggregation")


def test_a_copy_that_the_ledger_contradicts_is_refused_and_everything_runs_on(copied: Hospital):
    older = copies(copied)[0]
    other = copied.machine.at(f"{BACKUPS}/{LEDGER}-other.jsonl.gz")
    other.write_bytes(older.read_bytes()[:-12])

    with pytest.raises(Refused, match="no whole copy"):
        copied.deploy("restore", f"{BACKUPS}/{other.name}")

    assert comes_true(copied.well, SECONDS), copied.state()
