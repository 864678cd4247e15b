"""A machine that lacks something is told so before anything is written; one that has all is installed."""

import re

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import DATA, ETC, PROGRAMS
from tests.server.hospital import SECONDS, Hospital, Refused

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
ODD = "/odd"


def odd_bundle(hospital: Hospital, **needs: str) -> str:
    """A bundle of nothing but its installer, that needs something else."""
    machine = hospital.machine
    machine.run("rm", "-rf", ODD)
    machine.run("mkdir", ODD)
    machine.run("cp", "/bundle/install", "/bundle/NEEDS", ODD)
    text = machine.at(f"{ODD}/NEEDS").read_text()
    for name, value in needs.items():
        text = re.sub(rf"{name}=.*", f"{name}={value}", text)
    machine.at(f"{ODD}/NEEDS").write_text(text)
    machine.at(f"{ODD}/SHA256SUMS").write_text(f"{'0' * 64}  NEEDS\n")
    return ODD


def nothing_is_written(hospital: Hospital) -> None:
    for folder in (PROGRAMS, ETC, DATA):
        assert not hospital.machine.at(folder).exists()


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"PYTHON": "'3.99 linux-x86_64'"}, r"for Python 3\.99 linux-x86_64, here is 3\.11"),
        ({"PYTHON": "'3.11 linux-aarch64'"}, r"for Python 3\.11 linux-aarch64, here is 3\.11 linux-x86_64"),
        ({"GLIBC": "2.99"}, r"needs glibc 2\.99 or newer, here is 2\.36"),
        ({}, "did not come whole"),
    ],
)
def test_a_machine_that_a_bundle_is_not_for_is_told_so(bare: Hospital, needs: dict[str, str], words: str):
    with pytest.raises(Refused, match=words):
        bare.install(odd_bundle(bare, **needs))

    nothing_is_written(bare)


@pytest.mark.parametrize(("folder", "above"), [(PROGRAMS, "/opt"), (DATA, "/var/lib")])
def test_too_small_a_disk_is_said(bare: Hospital, folder: str, above: str):
    bare.machine.run("mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", above)
    try:
        with pytest.raises(Refused, match=rf"{folder} has \d+ MB free"):
            bare.install()
        assert bare.machine.run("ls", above).stdout == ""
    finally:
        bare.machine.run("umount", above)


@pytest.mark.parametrize(("program", "words"), [("openssl", "openssl is missing"), ("python3", "python3 is")])
def test_a_program_that_is_missing_is_said(bare: Hospital, program: str, words: str):
    bare.machine.run("mv", f"/usr/bin/{program}", "/usr/bin/away")
    try:
        with pytest.raises(Refused, match=words):
            bare.install()
    finally:
        bare.machine.run("mv", "/usr/bin/away", f"/usr/bin/{program}")

    nothing_is_written(bare)


def test_settings_of_a_first_installation_that_are_refused_start_nothing(bare: Hospital):
    with pytest.raises(Refused, match="no site's name"):
        bare.install(SITE="Hospital A")

    assert bare.units() == {}
    assert not bare.machine.at(ETC).exists()
    assert not bare.machine.at(f"{PROGRAMS}/current").is_symlink()


def test_a_centre_is_installed_and_watches(bare: Hospital):
    bare.install(kind="centre")

    assert comes_true(bare.well, SECONDS), bare.state()
