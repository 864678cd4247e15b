"""`segwatch dashboards push|diff|provision`, against a server that speaks Grafana's API.

The tests that need nothing but a Grafana run on a real one too, where GRAFANA_URL and GRAFANA_TOKEN (of a
service account that may make folders) are set.
"""

import json
import os
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner

from segwatch import cli
from segwatch.dashboards.grafana import Grafana
from tests.support.certificates import make_certificates
from tests.support.grafana_server import GrafanaServer

REAL = os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", "")


@dataclass
class Bench:
    """Two dashboards as files, and a Grafana; its names are this test's alone."""

    folder: Path
    url: str
    token: str
    mark: str = field(default_factory=lambda: f"segwatch-test-{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.files = self.folder / "boards"
        self.files.mkdir()
        for name in ("one", "two"):
            self.write(name)
        (self.folder / "token").write_text(f"{self.token}\n")

    def uid(self, name: str) -> str:
        return f"{self.mark}-{name}"

    def write(self, name: str, unit: str = "s") -> None:
        runbook = {"title": "Runbook", "url": "${runbooks}SegwatchStageStuck.md"}
        panels = [{"title": "Wait", "unit": unit, "links": [runbook]}, {"title": "Lag", "unit": "short"}]
        board = {"uid": self.uid(name), "title": f"{self.mark} {name}", "panels": panels, "schemaVersion": 39}
        (self.files / f"{name}.json").write_text(json.dumps(board))

    def run(self, command: str, *words: str, url: str | None = None) -> tuple[int, str]:
        """The exit code and all that was said."""
        options = ["--url", url or self.url, "--token-file", str(self.folder / "token")]
        names = ["--folder", self.mark, "--folder-uid", self.mark]
        line = ["dashboards", command, *options, *names, *words, str(self.files)]
        done = CliRunner().invoke(cli.app, line)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return 2, str(done.exception)
        return done.exit_code, done.output

    def grafana(self) -> Grafana:
        return Grafana(self.url, self.token)


@pytest.fixture
def server() -> Iterator[GrafanaServer]:
    with GrafanaServer() as server:
        yield server


@pytest.fixture
def bench(server: GrafanaServer, tmp_path: Path) -> Bench:
    return Bench(tmp_path, server.url, "editors")


@pytest.fixture(params=["server", "real"])
def any_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "server":
        yield request.getfixturevalue("bench")
        return
    if not all(REAL):
        pytest.skip("no Grafana: GRAFANA_URL and GRAFANA_TOKEN are not set")
    bench = Bench(tmp_path, *REAL)
    try:
        yield bench
    finally:
        with bench.grafana() as grafana:
            for name in ("one", "two"):
                grafana._api.dashboard.delete_dashboard(bench.uid(name))
            grafana._api.folder.delete_folder(bench.mark)


def test_a_push_makes_the_folder_and_every_dashboard_in_it(any_bench: Bench) -> None:
    code, said = any_bench.run("push")

    assert code == 0
    assert f"made the folder {any_bench.mark}" in said
    with any_bench.grafana() as grafana:
        for name in ("one", "two"):
            live = grafana.board(any_bench.uid(name))
            assert live is not None
            assert live.folder == any_bench.mark
            assert [panel["title"] for panel in live.content["panels"]] == ["Wait", "Lag"]


def test_a_second_push_changes_nothing_and_says_so(any_bench: Bench) -> None:
    any_bench.run("push")
    with any_bench.grafana() as grafana:
        before = grafana.board(any_bench.uid("one"))

    code, said = any_bench.run("push")

    assert (code, "nothing to do: 2 dashboards are as they should be" in said) == (0, True)
    with any_bench.grafana() as grafana:
        after = grafana.board(any_bench.uid("one"))
    assert before is not None
    assert after is not None
    assert before.version == after.version


def test_diff_ends_with_1_until_all_is_pushed(any_bench: Bench) -> None:
    code, said = any_bench.run("diff")
    assert code == 1
    assert f"{any_bench.mark} one ({any_bench.uid('one')}) is not in Grafana" in said

    any_bench.run("push")
    code, said = any_bench.run("diff")

    assert code == 0
    assert said.count("is as it should be") == 2


def test_a_changed_file_is_shown_by_diff_and_written_by_push_and_no_other(any_bench: Bench) -> None:
    any_bench.run("push")
    any_bench.write("one", unit="h")

    code, said = any_bench.run("diff")
    assert code == 1
    assert '  panels "Wait", unit:\n    - s\n    + h\n' in said

    code, said = any_bench.run("push")
    assert code == 0
    assert said.count("wrote") == 1
    assert any_bench.run("diff")[0] == 0


def by_hand(board: dict) -> None:
    board["panels"][1]["unit"] = "percent"


def test_what_was_changed_by_hand_is_shown_with_its_author_and_not_lost(
    bench: Bench, server: GrafanaServer
) -> None:
    bench.run("push")
    server.edit(bench.uid("two"), by_hand)
    bench.write("one", unit="h")
    writes = server.writes()

    code, shown = bench.run("diff")
    assert code == 1
    assert "was changed by hand in Grafana (version 2, by mary, 2026-11-28T02:00:00Z)" in shown
    assert '  panels "Lag", unit:\n    - percent\n    + short\n' in shown

    code, said = bench.run("push")
    assert code == 2
    assert "Nothing was written" in said
    assert "--overwrite" in said
    assert server.writes() == writes

    code, said = bench.run("push", "--overwrite")
    assert code == 0
    assert bench.run("diff")[0] == 0


def test_a_change_by_hand_that_was_taken_back_is_no_difference(bench: Bench, server: GrafanaServer) -> None:
    bench.run("push")
    server.edit(bench.uid("two"), by_hand)
    server.edit(bench.uid("two"), lambda board: board["panels"][1].update(unit="short"))

    assert bench.run("push")[0] == 0
    assert bench.run("diff")[0] == 0


def test_a_difference_that_nobody_can_be_seen_to_have_made_needs_a_word(
    bench: Bench, server: GrafanaServer
) -> None:
    bench.run("push")
    server.history = False
    bench.write("one", unit="h")

    code, said = bench.run("push")

    assert code == 2
    assert "does not show who changed it" in said
    assert bench.run("push", "--overwrite")[0] == 0


def test_a_dashboard_that_was_moved_is_not_moved_back_without_a_word(
    bench: Bench, server: GrafanaServer
) -> None:
    bench.run("push")
    server.folders["theirs"] = "Radiology"
    server.boards[bench.uid("one")].folder = "theirs"

    assert "folder: theirs" in bench.run("diff")[1]
    assert bench.run("push")[0] == 2
    assert bench.run("push", "--overwrite")[0] == 0
    assert server.boards[bench.uid("one")].folder == bench.mark


def test_a_newer_grafana_that_shows_the_format_in_its_own_is_no_difference(
    bench: Bench, server: GrafanaServer
) -> None:
    bench.run("push")
    for stored in server.boards.values():
        stored.versions[-1]["data"] |= {"schemaVersion": 42, "preload": False}

    assert bench.run("diff")[0] == 0
    assert "nothing to do" in bench.run("push")[1]


def test_who_saves_in_the_same_moment_is_not_overwritten(bench: Bench, server: GrafanaServer) -> None:
    bench.run("push")
    bench.write("one", unit="h")

    def somebody_saves() -> None:
        server.before_save = lambda: None
        server.edit(bench.uid("one"), by_hand)

    server.before_save = somebody_saves
    code, said = bench.run("push")

    assert code == 2
    assert "somebody has changed it in this moment; nothing of theirs was overwritten" in said
    assert server.boards[bench.uid("one")].versions[-1]["createdBy"] == "mary"


def test_a_folder_of_that_title_that_is_somebody_elses_is_not_used(
    bench: Bench, server: GrafanaServer
) -> None:
    server.folders["abc"] = bench.mark

    code, said = bench.run("push")

    assert code == 2
    assert "--folder-uid abc" in said
    assert server.writes() == 0


def test_what_grafana_reads_from_files_is_not_written_over(bench: Bench, server: GrafanaServer) -> None:
    bench.run("push")
    server.boards[bench.uid("one")].provisioned = True
    bench.write("one", unit="h")

    code, said = bench.run("push", "--overwrite")

    assert code == 2
    assert "is read by Grafana from a file" in said
    assert "segwatch dashboards provision" in said


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("nobody", ["does not know the token", "service account"]),
        ("viewers", ["does not allow the token", "role Editor", "folders:create"]),
    ],
)
def test_a_token_that_may_not_is_told_what_it_needs(
    bench: Bench, server: GrafanaServer, token: str, words: list[str]
) -> None:
    (bench.folder / "token").write_text(token)

    code, said = bench.run("push")

    assert code == 2
    assert [word for word in words if word not in said] == []
    assert token not in said.replace("the token", "")
    assert server.boards == {}


def test_a_grafana_that_is_away_is_said(bench: Bench) -> None:
    code, said = bench.run("push", url="http://127.0.0.1:1")

    assert code == 2
    assert "http://127.0.0.1:1 cannot be reached: is GRAFANA_URL right" in said


@pytest.mark.parametrize(
    ("url", "words"),
    [("grafana.example", "is no address"), ("https://admin:secret@grafana.example", "GRAFANA_TOKEN_FILE")],
)
def test_an_address_that_is_none_is_refused(bench: Bench, url: str, words: str) -> None:
    code, said = bench.run("push", url=url)

    assert code == 2
    assert words in said


def test_the_authority_of_its_certificate_is_asked_for_and_used(tmp_path: Path) -> None:
    keys = make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(keys / "server.pem", keys / "server.key")
    with GrafanaServer(tls) as server:
        bench = Bench(tmp_path, server.url, "editors")

        code, said = bench.run("push")
        assert code == 2
        assert "its certificate is not trusted" in said
        assert "GRAFANA_CA_FILE" in said
        assert bench.run("push", "--ca-file", str(keys / "other.pem"))[0] == 2

        assert bench.run("push", "--ca-file", str(keys / "ca.pem"))[0] == 0


def test_the_token_is_read_from_file_or_environment_and_no_option_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["segwatch", "dashboards", "diff", "--url", bench.url, str(bench.files)]
    monkeypatch.delenv("GRAFANA_TOKEN", raising=False)
    for token, said in (
        (None, "no token: put that of a service account"),
        ("two words", "GRAFANA_TOKEN holds"),
    ):
        monkeypatch.setattr(sys, "argv", line)
        if token:
            monkeypatch.setenv("GRAFANA_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        assert said in capsys.readouterr().err

    monkeypatch.setenv("GRAFANA_TOKEN", "editors")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "--token " not in CliRunner().invoke(cli.app, ["dashboards", "push", "--help"]).output


@pytest.mark.parametrize(
    ("role", "sources", "said"),
    [
        ("admins", [], "Grafana has no Prometheus data source"),
        ("editors", [], "could not be seen: the token lacks datasources:read"),
        ("admins", [{"name": "Prometheus", "type": "prometheus"}], None),
    ],
)
def test_a_push_says_whether_anything_feeds_the_panels(
    bench: Bench, server: GrafanaServer, role: str, sources: list[dict], said: str | None
) -> None:
    (bench.folder / "token").write_text(role)
    server.sources = sources

    code, output = bench.run("push")

    assert code == 0
    assert (said in output) if said else ("data source" not in output)


def test_links_to_runbooks_open_where_somebody_said_where_they_are(
    bench: Bench, server: GrafanaServer
) -> None:
    bench.run("push")
    assert server.boards[bench.uid("one")].versions[-1]["data"]["panels"][0]["links"] == []

    bench.run("push", "--runbooks", "https://wiki.example/runbooks")
    (link,) = server.boards[bench.uid("one")].versions[-1]["data"]["panels"][0]["links"]

    assert link["url"] == "https://wiki.example/runbooks/SegwatchStageStuck.md"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("no.json", "{", "no.json: is no JSON"),
        ("no.json", "[]", "no.json: is no dashboard"),
        ("no.json", '{"panels": []}', "needs its uid and its title"),
        ("no.json", None, "have the same uid"),
    ],
)
def test_a_file_that_is_no_dashboard_is_named_before_anything_is_asked(
    bench: Bench, server: GrafanaServer, name: str, text: str | None, said: str
) -> None:
    (bench.files / name).write_text(text if text is not None else (bench.files / "one.json").read_text())

    code, output = bench.run("push")

    assert code == 2
    assert said in output
    assert server.requests == []


def test_provisioning_writes_the_boards_and_the_provider_that_names_their_folder(
    bench: Bench, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    line = ["dashboards", "provision", "--out", str(out), "--path", "/boards", str(bench.files)]

    done = CliRunner().invoke(cli.app, line)

    assert done.exit_code == 0
    (provider,) = yaml.safe_load((out / "segwatch.yaml").read_text())["providers"]
    assert provider["options"] == {"path": "/boards"}
    assert provider["folderUid"] == "segwatch"
    board = json.loads((out / "segwatch" / f"{bench.uid('one')}.json").read_text())
    assert board["panels"][0]["links"] == []
