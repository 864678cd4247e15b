"""A hospital on one server, by systemd as the first process and without network."""

import json
import subprocess

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import DATA, HOSPITAL_SERVICES, INBOX_GROUP
from tests.server.hospital import HOSPITAL, SECONDS, TIMED, Hospital, Refused

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
DAEMONS = ("kafka", *HOSPITAL_SERVICES, "prometheus", "alertmanager")
ONCE = ("platform", *TIMED)
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 8042), 3)
    print("open")
except OSError:
    print("shut")
"""


def test_every_unit_starts_by_itself_when_the_machine_boots(hospital: Hospital):
    assert set(hospital.units()) == {*DAEMONS, *ONCE}
    assert comes_true(hospital.well, SECONDS), hospital.state()
    for service in HOSPITAL_SERVICES:
        assert comes_true(lambda name=service: hospital.ready(name)[0] == 200, SECONDS), hospital.state()
    assert hospital.machine.run("ls", "/sys/class/net").stdout.split() == ["lo"]


@pytest.mark.parametrize("unit", [*DAEMONS, *ONCE])
def test_every_unit_is_hardened_as_it_runs(hospital: Hospital, unit: str):
    words = ("systemd-analyze", "security", "--threshold=30", "--no-pager", f"segwatch-{unit}.service")
    said = hospital.machine.run(*words, check=False)
    assert said.returncode == 0, said.stdout[-300:]


def test_studies_are_scored_and_watched(hospital: Hospital):
    hospital.feed(range(4))

    assert len(hospital.scored(4)) == 4
    for port, path in ((9090, "/-/ready"), (9095, "/-/ready")):
        assert hospital.page(port, path)[0] == 200
    firing = hospital.page(9090, "/api/v1/query?query=segwatch_ready")[1]
    assert '"status":"success"' in firing


def test_a_unit_lets_in_only_whom_the_settings_name(hospital: Hospital):
    for address in ("10.1.0.5", "10.9.0.5"):  # of PACS_NETWORK, and another
        hospital.machine.in_network("ip", "address", "add", f"{address}/24", "dev", "lo")

    assert hospital.python("-c", CONNECT, "10.1.0.5").strip() == "open"
    assert hospital.python("-c", CONNECT, "10.9.0.5").strip() == "shut"


def test_who_operates_it_looks_and_decides_as_the_logs_operator(hospital: Hospital):
    strange = hospital.machine.at(f"{DATA}/inbox/case-strange")
    strange.mkdir()
    (strange / "letter.txt").write_text("no examination")
    strange.chmod(0o770)
    hospital.machine.run("chown", "-R", f"segwatch-ingest:{INBOX_GROUP}", f"{DATA}/inbox/case-strange")

    def waiting() -> list[dict[str, object]]:
        return list(json.loads(hospital.segwatch("operator", "deadletters", "list", "--pending", "--json")))

    assert comes_true(lambda: len(waiting()) == 1, SECONDS), hospital.said("ingest")
    (letter,) = waiting()
    hospital.segwatch("operator", "deadletters", "replay", str(letter["id"]))
    assert comes_true(lambda: len(waiting()) == 1, SECONDS), "it is still no examination"
    hospital.segwatch("operator", "deadletters", "acknowledge", "--all", "--reason", "not ours")
    assert waiting() == []
    assert "scorer" in hospital.segwatch("scoring", "scorer", "status")
    hospital.segwatch("operator", "site", "announce", HOSPITAL["SITE"], "--reason", "scanner 3 from Monday")


def test_who_is_not_known_and_what_is_not_the_operators_is_refused(hospital: Hospital):
    with pytest.raises(Refused, match=r"WHO is one of: aggregation .* operator"):
        hospital.segwatch("nobody", "scorer", "status")
    with pytest.raises(Refused, match="may not"):
        hospital.segwatch("operator", "privacy", "budget")


@pytest.mark.parametrize("unit", DAEMONS)
def test_a_program_that_is_killed_is_started_again(hospital: Hospital, unit: str):
    assert comes_true(lambda: hospital.shown(unit, "ActiveState") == "active", SECONDS)
    before = hospital.shown(unit, "MainPID")

    hospital.machine.run("systemctl", "kill", "--signal=KILL", f"segwatch-{unit}")

    def again() -> bool:
        return hospital.shown(unit, "ActiveState") == "active" and hospital.shown(unit, "MainPID") not in (
            before,
            "0",
        )

    assert comes_true(again, SECONDS), hospital.state()


def test_every_unit_stops_in_its_time_and_says_so(hospital: Hospital):
    assert comes_true(lambda: all(hospital.ready(each)[0] == 200 for each in HOSPITAL_SERVICES), SECONDS)
    hospital.feed(range(4, 6))

    hospital.machine.run("systemctl", "stop", *(f"segwatch-{each}" for each in DAEMONS))

    assert {each: hospital.shown(each, "Result") for each in DAEMONS} == dict.fromkeys(DAEMONS, "success")
    hospital.machine.run("systemctl", "start", "segwatch.target")
    assert len(hospital.scored(6)) == 6


def test_after_a_restart_of_the_machine_nothing_is_lost_or_doubled(hospital: Hospital):
    hospital.feed(range(6, 9))
    hospital.received(7)

    hospital.machine.shut_down()
    hospital.machine.boot()
    hospital.feed(range(9, 11))

    found = hospital.scored(11)
    assert len(found) == len(set(found)) == 11


def test_after_a_power_cut_no_study_is_lost_and_none_counts_twice(hospital: Hospital):
    hospital.feed(range(11, 14))
    hospital.received(12)

    hospital.machine.cut_off()
    hospital.machine.boot()
    hospital.feed(range(14, 16))

    assert len(set(hospital.scored(16))) == 16
    assert len(set(hospital.ids_scored())) == 16, "a study that was sent twice bears another name"


def test_the_inbox_is_empty_in_the_end(hospital: Hospital):
    inbox = hospital.machine.at(f"{DATA}/inbox")
    assert comes_true(lambda: not list(inbox.glob("case-*")), SECONDS), subprocess.run(
        ["ls", "-la", inbox], capture_output=True, check=False
    ).stdout
