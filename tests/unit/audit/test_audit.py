"""What `make audit` says of pins, licences, advisories and bills of materials."""

import json
from pathlib import Path

import pytest

from deploy.audit import __main__ as audit
from deploy.audit.advisories import Answers, advisories_of, understood
from deploy.audit.licences import Licensed, findings, installed, not_here
from deploy.audit.pins import Pin, disagreements, problems, read_pins
from deploy.audit.sbom import write_sbom
from tests.support.service_settings import SERVICES

ROOT = Path(__file__).parents[3]
FILES = [*(ROOT / "requirements").glob("*.txt"), *ROOT.glob("services/*/requirements.txt")]
HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_requirement_is_one_version_with_hashes(file: Path):
    assert problems(file) == []
    assert read_pins(file)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_on_what_was_tested(service: str):
    pins = ROOT / "services" / service / "requirements.txt"
    assert disagreements(pins, ROOT / "requirements" / "all.txt") == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"lz4>=4.3 {HASH}", "not pinned"),
        (f"lz4==4.* {HASH}", "not pinned"),
        (f"lz4==4.3,<5 {HASH}", "not pinned"),
        ("lz4==4.3", "no hash"),
        ("lz4==4.3 --hash=md5:00", "no hash"),
        (f"lz4 @ https://elsewhere.example/lz4.whl {HASH}", "address"),
        ("--index-url https://elsewhere.example", "options"),
        ("-e .", "options"),
        ("what is this", "no requirement"),
    ],
)
def test_what_is_no_pin_is_found(line: str, says: str, tmp_path: Path):
    (tmp_path / "bad.txt").write_text(f"{line}\n")
    (problem,) = problems(tmp_path / "bad.txt")
    assert says in problem


def test_a_pin_over_several_lines_is_read_with_its_marker(tmp_path: Path):
    (tmp_path / "one.txt").write_text(
        f"Types_PyYAML==6.0 ; sys_platform == 'linux' \\\n    {HASH} \\\n    {HASH}\n    # via segwatch\n"
    )
    assert read_pins(tmp_path / "one.txt") == [
        Pin("types-pyyaml", "6.0", 2, "Types_PyYAML==6.0 ; sys_platform == 'linux'")
    ]


def test_every_package_that_is_installed_has_a_licence_that_somebody_allowed():
    pins = read_pins(ROOT / "requirements/all.txt")
    here = installed()
    assert findings(pins, here) == []
    assert len(not_here(pins, here)) < len(pins) / 10


@pytest.mark.parametrize(
    ("licences", "found"),
    [
        (("MIT",), 0),
        (("Apache-2.0", "LLVM-exception"), 0),
        (("AGPL-3.0-only",), 1),
        (("MIT", "GPL-3.0-only"), 1),
        ((), 1),
    ],
)
def test_a_licence_that_nobody_allowed_is_found(licences: tuple[str, ...], found: int):
    pin = Pin("somebodys", "1.0", 1, "somebodys==1.0")
    assert len(findings([pin], {"somebodys": Licensed("somebodys", "1.0", licences)})) == found


def test_an_advisory_is_found_and_silence_is_no_clean_bill():
    asked = understood(
        {
            "dependencies": [
                {"name": "good", "version": "1", "vulns": []},
                {
                    "name": "bad",
                    "version": "2",
                    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3"], "aliases": []}],
                },
                {"name": "unknown", "skip_reason": "Dependency not found on the registry"},
            ]
        }
    )
    assert asked == Answers(1, ["bad==2: PYSEC-2026-1 (fixed in: 3)"], ["unknown"])


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        (Answers(clean=3), 0, "nothing known of 3 packages"),
        (Answers(clean=3, vulnerable=["bad==2: PYSEC-2026-1"]), 1, "FINDING  bad==2"),
        (Answers(unasked=["somebodys"]), 3, "NOT ASKED about 1 packages (somebodys)"),
        (Answers(failed="no route"), 3, "NOT ASKED, the advisories could not be reached: no route"),
    ],
)
def test_the_exit_code_says_whether_it_is_clean(asked, code, says, monkeypatch, capsys):
    monkeypatch.setattr(audit, "advisories_of", lambda _: asked)
    monkeypatch.setattr(audit, "write_sbom", lambda service, folder: folder / service)
    assert audit.main() == code
    assert says in capsys.readouterr().out


def test_a_file_that_pip_audit_cannot_read_is_no_clean_bill(tmp_path: Path):
    (tmp_path / "bad.txt").write_text("lz4>=4\n")
    assert advisories_of(tmp_path / "bad.txt").failed is not None


def test_a_bill_of_materials_names_every_pin_with_its_hashes(tmp_path: Path):
    written = json.loads(write_sbom("federation", tmp_path).read_text())
    pins = {(pin.name, pin.version) for pin in read_pins(ROOT / "services/federation/requirements.txt")}
    parts = {(each["name"].lower(), each["version"]) for each in written["components"]}
    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.6")
    assert parts == pins
    assert all(each["externalReferences"][0]["hashes"] for each in written["components"])
    again = write_sbom("federation", tmp_path / "again").read_bytes()
    assert again == (tmp_path / "federation.cdx.json").read_bytes()


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_carries_its_own_bill_of_materials(service: str):
    text = (ROOT / "services" / service / "Dockerfile").read_text()
    assert "cyclonedx-py environment" in text
    assert "--output-file /opt/segwatch/sbom.cdx.json /opt/segwatch/bin/python" in text
    assert "cyclonedx-bom" in {pin.name for pin in read_pins(ROOT / "requirements/build.txt")}
