"""An upgrade in the middle of the work, the way back, what is refused, and the end."""

import re

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import CURRENT, DATA, ETC, PREVIOUS, PROGRAMS, UNITS
from tests.server.hospital import SECONDS, Hospital, Refused

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
NEWER = "/newer"


def linked(hospital: Hospital, link: str) -> str:
    return hospital.machine.at(link).readlink().name


def newer_bundle(hospital: Hospital) -> None:
    """The bundle under another number, with a setting that the one before does not know."""
    hospital.machine.run("cp", "-r", "/bundle", NEWER)
    needs = hospital.machine.at(f"{NEWER}/NEEDS")
    needs.write_text(re.sub(r"VERSION=.*", "VERSION=0.1.1", needs.read_text()))
    table = hospital.machine.at(f"{NEWER}/app/deploy/server/settings.py")
    table.write_text(table.read_text().replace('{"PACS": "",', '{"LATER": "", "PACS": "",'))
    for changed in ("NEEDS", "app/deploy/server/settings.py"):
        digest = hospital.machine.run("sha256sum", f"{NEWER}/{changed}").stdout.split()[0]
        sums = hospital.machine.at(f"{NEWER}/SHA256SUMS")
        sums.write_text(re.sub(rf".*  {changed}\n", f"{digest}  {changed}\n", sums.read_text()))


def test_an_upgrade_in_the_middle_loses_none_and_doubles_none(hospital: Hospital):
    newer_bundle(hospital)
    hospital.feed(range(6))
    hospital.received(1)

    hospital.install(NEWER)
    hospital.feed(range(6, 12))

    found = hospital.scored(12)
    assert len(found) == len(set(found)) == 12
    assert (linked(hospital, CURRENT), linked(hospital, PREVIOUS)) == ("0.1.1", "0.1.0")


def test_a_bundle_with_settings_that_are_refused_changes_nothing(hospital: Hospital):
    before = hospital.shown("ingest", "MainPID")

    with pytest.raises(Refused, match=r"STIE \(line \d+\)"):
        hospital.install(STIE="hospital-a")

    assert linked(hospital, CURRENT) == "0.1.1"
    assert hospital.shown("ingest", "MainPID") == before


def test_the_way_back_is_refused_where_the_older_version_does_not_know_a_setting(hospital: Hospital):
    hospital.install(NEWER, LATER="x")
    before = hospital.shown("ingest", "MainPID")

    with pytest.raises(Refused, match=r"LATER \(line \d+\)"):
        hospital.deploy("rollback")

    assert (linked(hospital, CURRENT), linked(hospital, PREVIOUS)) == ("0.1.1", "0.1.0")
    assert hospital.shown("ingest", "MainPID") == before
    assert hospital.well()


def test_the_way_back_keeps_the_data(hospital: Hospital):
    hospital.install(NEWER)

    hospital.deploy("rollback")

    assert (linked(hospital, CURRENT), linked(hospital, PREVIOUS)) == ("0.1.0", "0.1.1")
    hospital.feed(range(12, 14))
    found = hospital.scored(14)
    assert len(found) == len(set(found)) == 14


def test_removing_it_leaves_data_and_settings_alone(hospital: Hospital):
    assert comes_true(hospital.well, SECONDS)
    records = hospital.machine.at(f"{DATA}/kafka/segwatch.study.scored.v1-0")
    sizes = {each.name: each.stat().st_size for each in hospital.machine.at(f"{DATA}/store").rglob("*")}

    hospital.deploy("uninstall")

    assert not hospital.machine.at(PROGRAMS).exists()
    assert not list(hospital.machine.at(UNITS).glob("segwatch*"))
    assert hospital.units() == {}
    assert records.is_dir()
    assert hospital.machine.at(f"{ETC}/secrets/pseudonym-secret").exists()
    assert sizes == {e.name: e.stat().st_size for e in hospital.machine.at(f"{DATA}/store").rglob("*")}


def test_installed_again_it_goes_on_where_it_was(hospital: Hospital):
    hospital.install()

    hospital.feed(range(14, 16))

    found = hospital.scored(16)
    assert len(found) == len(set(found)) == 16
