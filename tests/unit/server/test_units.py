"""A server's units follow from the same files as the pods, are hardened, and are made again without harm."""

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from deploy.local.machine import binaries
from deploy.local.machine.folders import ROOT
from deploy.server import systemd
from deploy.server.__main__ import app
from deploy.server.certificates import make_certificates
from deploy.server.install import install as write_all
from deploy.server.install import uninstall
from deploy.server.layout import APP, COMMAND, CURRENT, ETC, TLS, Kind, Layout, services_of
from deploy.server.plan import planned
from deploy.server.settings import environments_of, example, read_edited
from deploy.server.unit_files import unit
from deploy.server.units import programs
from segwatch.errors import BadInput
from segwatch.preflight.settings_files import lines_of
from segwatch.streaming.authority import Authority
from segwatch.streaming.certificate_files import names_of
from services.aggregation.settings import AggregationSettings
from services.features.settings import FeaturesSettings
from services.federation.settings import FederationSettings
from services.ingest.settings import IngestSettings
from services.scoring.settings import ScoringSettings
from services.segmentation.settings import SegmentationSettings

SETTINGS = {
    "ingest": IngestSettings,
    "segmentation": SegmentationSettings,
    "features": FeaturesSettings,
    "scoring": ScoringSettings,
    "aggregation": AggregationSettings,
    "federation": FederationSettings,
}
KINDS: tuple[Kind, ...] = ("hospital", "centre")


def edited(kind: Kind, folder: Path, **changed: str) -> dict[str, str]:
    file = folder / f"{kind}.env"
    file.write_text(example(kind))
    return {
        **read_edited(kind, file),
        **({"SITES": "hospital-a,hospital-b"} if kind == "centre" else {}),
        **changed,
    }


def install(kind: Kind, given: Mapping[str, str], layout: Layout) -> None:
    write_all(planned(kind, given, layout), layout, lambda _: None)


@pytest.mark.parametrize("kind", KINDS)
def test_each_service_knows_every_setting_that_it_is_given(kind: Kind, tmp_path: Path):
    for name, environment in environments_of(kind, edited(kind, tmp_path)).items():
        known = {f"SEGWATCH_{field.upper()}" for field in SETTINGS[name].model_fields}
        needed = {
            f"SEGWATCH_{key.upper()}"
            for key, field in SETTINGS[name].model_fields.items()
            if field.is_required()
        }
        assert set(environment) <= known
        assert needed <= set(environment)


def test_a_line_of_the_edited_file_goes_where_it_goes_in_a_cluster(tmp_path: Path):
    given = edited("hospital", tmp_path, SITE="st-elsewhere", CT_UNIT="hu", LESION_MODEL_SHA256="a" * 64)

    made = environments_of("hospital", given)

    assert made["ingest"]["SEGWATCH_CT_UNIT"] == "hu"
    assert {each["SEGWATCH_SITE"] for each in made.values()} == {"st-elsewhere"}
    assert made["segmentation"]["SEGWATCH_LESION_MODEL_SHA256"] == "a" * 64
    own_masks = environments_of("hospital", {**given, "LESION_MODEL": "", "LESION_MODEL_SHA256": ""})
    assert not {each for each in own_masks["segmentation"] if "LESION_MODEL" in each}


def test_a_line_that_nobody_knows_is_refused(tmp_path: Path):
    file = tmp_path / "hospital.env"
    file.write_text(example("hospital") + "STIE=a\n")

    line = len(example("hospital").splitlines()) + 1
    with pytest.raises(BadInput, match=rf"STIE \(line {line}\)"):
        read_edited("hospital", file)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("hospital.env", "SITE=Hospital A\n", "no site's name"),
        ("hospital.env", "SITE=\n", "no settings name the site"),
        ("hospital.env", "STIE=a\n", "STIE"),
        ("policy.yaml", "version: '1'\nepsilon_count: 9\n", "epsilon_count"),
        ("contacts.yaml", "page: {}\n", "nobody would be told"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_stopped_linked_or_written(
    tmp_path: Path, file: str, text: str, words: str
):
    good, root = tmp_path / "hospital.env", tmp_path / "root"
    edited("hospital", tmp_path)
    command = ["install", "hospital", "--root", str(root), "--version", str(tmp_path / "new"), "--settings"]
    (root / "opt/segwatch").mkdir(parents=True)
    assert run(*command, str(good)).exit_code == 0
    changed = (root / "etc/segwatch" / file) if file != "hospital.env" else good
    changed.write_text((example("hospital") if changed == good else "") + text)
    before = everything(root)

    said = str(run(*[*command[:5], str(tmp_path / "newer"), "--settings"], str(good)).exception)

    assert words in said
    assert everything(root) == before


def everything(root: Path) -> dict[str, str]:
    """Each file's content and each link's target."""
    return {
        str(each.relative_to(root)): str(each.readlink()) if each.is_symlink() else each.read_text()
        for each in sorted(root.rglob("*"))
        if each.is_symlink() or each.is_file()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_unit_is_hardened_and_stands_alone(kind: Kind, tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here (Debian: apt-get install systemd)")
    given = edited(kind, tmp_path)
    found = programs(kind, services_of(kind), given)
    assert len({each.name for each in found}) == len(found)
    for program in found:
        file = tmp_path / f"segwatch-{program.name}.service"
        file.write_text(unit(program))
        said = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, (program.name, said.stdout[-200:], said.stderr)


def test_each_unit_speaks_with_whom_the_settings_name_and_writes_its_own_folders(tmp_path: Path):
    given = edited("hospital", tmp_path, PACS_NETWORK="10.1.0.0/24", CENTRE_NETWORK="10.2.0.0/24")
    made = {each.name: unit(each) for each in programs("hospital", services_of("hospital"), given)}

    lets_in = {name: re.findall(r"IPAddressAllow=(.*)", text)[0] for name, text in made.items()}
    assert lets_in["ingest"] == "localhost 10.1.0.0/24"
    assert lets_in["bridge"] == "localhost 10.2.0.0/24"
    assert {lets_in[name] for name in ("segmentation", "features", "scoring", "aggregation", "kafka")} == {
        "localhost"
    }
    assert "ReadWritePaths" not in made["features"] + made["scoring"]
    assert all(f"User=segwatch-{name}\n" in text for name, text in made.items())


def test_a_second_installation_leaves_secrets_and_certificates_alone(tmp_path: Path):
    layout, given = Layout(tmp_path / "root"), edited("hospital", tmp_path)
    install("hospital", given, layout)
    root = layout.root / "etc/segwatch"
    lasting = (
        "secrets/pseudonym-secret",
        "tls/ca.crt",
        "tls/ingest.key",
        "kafka/cluster.env",
        "doors/tls.crt",
    )
    before = {each: (root / each).read_bytes() for each in lasting}
    (root / "policy.yaml").write_text("version: '7'\n")

    install("hospital", {**given, "CT_UNIT": "hu", "CENTRE_KAFKA": ""}, layout)

    assert {each: (root / each).read_bytes() for each in lasting} == before
    assert (root / "policy.yaml").read_text() == "version: '7'\n"
    assert "SEGWATCH_CT_UNIT=hu" in (root / "settings/ingest.env").read_text()
    assert not (layout.root / "etc/systemd/system/segwatch-bridge.service").exists()
    for secret in ("secrets/pseudonym-secret", "tls/ingest.key", "doors/tls.key", "tls/broker.pem"):
        assert stat.S_IMODE((root / secret).stat().st_mode) == 0o400


def test_prometheus_and_alertmanager_take_their_files(tmp_path: Path):
    layout = Layout(tmp_path / "root")
    install("hospital", edited("hospital", tmp_path), layout)
    etc = layout.root / "etc/segwatch"
    promtool, amtool = binaries.find(binaries.PROMTOOL), binaries.find(binaries.AMTOOL)
    if promtool is None or amtool is None:
        pytest.skip("promtool and amtool are not here: `make setup` gets them")
    scraped = yaml.safe_load((etc / "prometheus/prometheus.yml").read_text())

    assert scraped["rule_files"] == ["/etc/segwatch/prometheus/hospital.yaml"]
    subprocess.run(
        [promtool, "check", "rules", etc / "prometheus/hospital.yaml"], check=True, capture_output=True
    )
    subprocess.run(
        [amtool, "check-config", etc / "alertmanager/alertmanager.yml"], check=True, capture_output=True
    )


def test_uninstalling_leaves_data_and_settings(tmp_path: Path):
    layout = Layout(tmp_path / "root")
    install("hospital", edited("hospital", tmp_path), layout)
    study = layout.root / "var/lib/segwatch/store/study"
    study.write_text("a volume")

    uninstall(layout, lambda _: None)

    assert study.read_text() == "a volume"
    assert (layout.root / "etc/segwatch/secrets/pseudonym-secret").exists()
    assert not list((layout.root / "etc/systemd/system").iterdir())


def test_going_back_is_the_older_versions_own_installation(tmp_path: Path):
    edited("hospital", tmp_path)
    root = tmp_path / "root"
    one, two = (two_versions := root / "opt/segwatch") / "1", two_versions / "2"
    for each in (one, two):
        (each / "app").mkdir(parents=True)
        python = each / "venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\necho by {each.name}\ncd {ROOT}\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
    words = ("install", "hospital", "--root", str(root), "--settings", str(tmp_path / "hospital.env"))
    assert run(*words, "--version", str(one)).exit_code == 0
    assert "no version to go back to" in rolled_back(root).stderr
    assert run(*words, "--version", str(two)).exit_code == 0
    assert linked(root) == ("2", "1")

    assert "by 1" in rolled_back(root).stdout
    assert linked(root) == ("1", "2")

    (root / "etc/segwatch/hospital.env").write_text(f"{example('hospital')}LATER=1\n")
    refused = rolled_back(root)  # as by a version that does not know a line of a newer one's
    assert (refused.returncode, "LATER (line " in refused.stderr) == (2, True)
    assert linked(root) == ("1", "2")
    shutil.rmtree(two)
    assert "no version to go back to" in rolled_back(root).stderr


def linked(root: Path) -> tuple[str, str]:
    """Which versions `current` and `previous` name."""
    current, previous = (root / "opt/segwatch" / each for each in ("current", "previous"))
    return current.readlink().name, previous.readlink().name


def rolled_back(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.server", "rollback", "--root", str(root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_settings_that_are_refused_leave_the_last_ones(tmp_path: Path):
    edited("hospital", tmp_path)
    good, root = tmp_path / "hospital.env", tmp_path / "root"
    words = ("install", "hospital", "--root", str(root), "--settings")
    assert run(*words, str(good)).exit_code == 0
    before = (root / "etc/segwatch/hospital.env").read_text()
    bad = tmp_path / "bad.env"
    bad.write_text(before.replace("SITE=", "STIE="))

    assert "STIE" in str(run(*words, str(bad)).exception)
    assert (root / "etc/segwatch/hospital.env").read_text() == before
    assert "is a hospital" in str(
        run("install", "centre", "--root", str(root), "--settings", str(good)).exception
    )


def test_at_the_centre_a_hospitals_key_is_nobodys_but_roots(tmp_path: Path):
    layout = Layout(tmp_path / "root")
    install("centre", edited("centre", tmp_path), layout)
    tls = layout.root / "etc/segwatch/tls"
    for key in ("hospital-a.key", "hospital-a.pem", "operator.key", "federation.key"):
        assert stat.S_IMODE((tls / key).stat().st_mode) == 0o400
    assert stat.S_IMODE((tls / "ca.crt").stat().st_mode) == 0o640


def test_certificates_are_renewed_before_they_end_and_for_a_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    layout, given = Layout(tmp_path / "root"), edited("hospital", tmp_path, CALLED_AS="ct.hospital.example")
    tls, doors = (layout.root / "etc/segwatch" / each for each in ("tls", "doors/tls.crt"))
    for folder in (tls, doors.parent):
        folder.mkdir(parents=True)
    make_certificates(layout, "hospital", given)
    before = {each.name: each.read_bytes() for each in tls.iterdir()}
    assert "ct.hospital.example" in names_of(doors)

    make_certificates(layout, "hospital", {**given, "CALLED_AS": "other.hospital.example"})
    assert "other.hospital.example" in names_of(doors)
    assert {each.name: each.read_bytes() for each in tls.iterdir()} == before

    monkeypatch.setattr("segwatch.streaming.authority.RENEW_SECONDS", 400 * 86400.0)
    theirs = Authority(tmp_path / "theirs", "hospital").issue("doors").certificate.read_bytes()
    doors.write_bytes(theirs)
    make_certificates(layout, "hospital", given)
    after = {each.name: each.read_bytes() for each in tls.iterdir()}
    assert {name for name in before if after[name] == before[name]} == {"ca.crt"}
    assert doors.read_bytes() == theirs


def test_units_are_stopped_each_by_its_name_and_what_does_not_stop_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said, program = tmp_path / "said", tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho $@ >> {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(systemd, "runs", lambda: True)

    systemd.remove(["segwatch.target", "segwatch-bridge.service"])
    assert said.read_text() == (
        "stop segwatch.target segwatch-bridge.service\ndisable segwatch.target segwatch-bridge.service\n"
    )
    program.write_text("#!/bin/sh\necho it hangs >&2; exit 1\n")
    with pytest.raises(BadInput, match="it hangs"):
        systemd.remove(["segwatch-bridge.service"])


def run(*words: str):
    return CliRunner().invoke(app, list(words))


def test_the_command_is_there_for_root_and_goes_with_the_program(tmp_path: Path):
    layout = Layout(tmp_path / "root")
    install("hospital", edited("hospital", tmp_path), layout)
    command, text = layout.at(COMMAND), layout.at(COMMAND).read_text()

    assert stat.S_IMODE(command.stat().st_mode) == 0o755
    assert f"{CURRENT}/venv/bin/segwatch" in text
    assert f"settings={ETC}/settings\n" in text
    assert f"--working-directory={APP} " in text
    assert (
        lines_of(layout.at(f"{ETC}/settings/operator.env"))["SEGWATCH_KAFKA_CERT_FILE"]
        == f"{TLS}/operator.crt"
    )

    uninstall(layout, lambda _: None)

    assert not command.exists()
