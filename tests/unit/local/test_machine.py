"""What the machine has: Java, Prometheus, Alertmanager; and what is said where it has not."""

import stat
from pathlib import Path

import pytest

from deploy.local.machine import binaries, jars
from deploy.local.machine.binaries import Binary


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with an empty PATH, and nothing fetched."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(binaries, "BIN", tmp_path / "build" / "bin")
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path / "build" / "debian")
    return folder


TOOL = Binary(("tool", "debian-tool"), "tool-package", unpacks=True, go="example.org/tool@v1.2.3")


@pytest.mark.parametrize(
    ("told", "new_enough"),
    [('openjdk version "17.0.15" 2025-04-15', True), ('java version "1.8.0_402"', False), ("what?", False)],
)
def test_java_is_taken_where_it_is_new_enough(machine, told, new_enough):
    java = script(machine, "java", f"echo '{told}' >&2")
    assert (jars.find_java() == str(java)) == new_enough


def test_without_jars_it_is_said_how_they_come(tmp_path, monkeypatch):
    monkeypatch.setattr(jars, "STAMP", tmp_path / "absent.xml")
    assert "make setup" in (jars.available() or "")


def test_jars_of_another_pom_are_not_taken(tmp_path, monkeypatch):
    stamp = tmp_path / "fetched-from.xml"
    stamp.write_text("<project/>")
    monkeypatch.setattr(jars, "STAMP", stamp)
    with pytest.raises(jars.NoJava):
        jars.find_jars()


def test_a_program_on_the_path_is_taken_under_any_of_its_names(machine):
    there = script(machine, "debian-tool", "")
    said: list[str] = []
    assert binaries.obtain(TOOL, said.append) == there
    assert said == []


def test_where_debian_fails_go_builds_it_at_the_pinned_version(machine):
    script(machine, "apt-get", "echo 'E: no network' >&2; exit 100")
    script(machine, "dpkg", "exit 1")
    script(
        machine,
        "go",
        f'/bin/mkdir -p "$GOBIN"; echo "$@" > {machine}/asked; /bin/cp {machine}/go "$GOBIN/tool"',
    )
    said: list[str] = []
    found = binaries.obtain(TOOL, said.append)
    assert found == binaries.BIN / "tool"
    assert (machine / "asked").read_text() == "install example.org/tool@v1.2.3\n"
    assert any("E: no network" in line for line in said)


def test_where_nothing_works_there_is_none_and_no_error(machine):
    script(machine, "go", "echo 'no such host' >&2; exit 1")
    said: list[str] = []
    assert binaries.obtain(TOOL, said.append) is None
    assert any("no such host" in line for line in said)


def test_a_package_is_unpacked_with_apts_files_kept_apart(machine, tmp_path):
    script(
        machine,
        "apt-get",
        f'echo "$@" >> {machine}/asked\ncase "$*" in *download*) echo x > tool-package_1_all.deb;; esac',
    )
    script(
        machine,
        "dpkg",
        '/bin/mkdir -p "$3/usr/bin"; echo "#!/bin/sh" > "$3/usr/bin/tool"; /bin/chmod +x "$3/usr/bin/tool"',
    )
    found = binaries.obtain(TOOL, lambda _: None)
    assert found == binaries.BIN / "tool"
    asked = (machine / "asked").read_text().splitlines()
    assert len(asked) == 2
    assert all(f"Dir::State::lists={tmp_path}/build/debian/lists" in line for line in asked)
