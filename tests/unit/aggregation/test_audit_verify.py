"""`segwatch privacy verify` names the first broken record, and says what the file alone cannot show."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from segwatch.aggregation.audit_log.chain import next_line, read_line, written
from segwatch.aggregation.audit_log.verify import Findings, verify
from segwatch.aggregation.tools import cli
from segwatch.contracts.audit import AuditLine, BlockReleased
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.errors import BadInput
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, scored

STUDIES = [scored(number) for number in range(125)]


@pytest.fixture
def world() -> World:
    """A site with six pulses and a portrait: eight entries."""
    site = World()
    site.add(STUDIES)
    site.run(site.service())
    return site


def _check(world: World, *noted: str, alone: bool = False) -> Findings:
    log: Any = None if alone else world.log
    return verify(world.audit_log, log, noted)[1]


def _edit(world: World, change: Callable[[list[str]], list[str]]) -> None:
    world.audit_log.write_text("".join(change(world.audit_log.read_text().splitlines(keepends=True))))


def _head(world: World, number: int = -1) -> str:
    line = json.loads(world.audit_log.read_text().splitlines()[number])
    return f"{line['n']}:{line['hash']}"


def test_what_the_service_wrote_is_whole_and_says_what_left(world: World) -> None:
    found = _check(world, _head(world), _head(world, 3))
    assert (found.problems, found.notes) == ([], [])


TAMPERED: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a figure changed": (
        lambda t: [*t[:3], t[3].replace('attention\\":', 'attention\\":1'), *t[4:]],
        "line 4",
    ),
    "a date changed": (lambda t: [*t[:3], t[3].replace("closed_at", "closed_at "), *t[4:]], "line 4"),
    "spaces put in": (lambda t: [*t[:3], t[3].replace(",", ", ", 1), *t[4:]], "line 4"),
    "one taken away": (
        lambda t: [*t[:3], *t[4:]],
        "line 4 of the audit log is the first that is broken: it is",
    ),
    "the first taken away": (lambda t: t[1:], "line 1"),
    "two swapped": (lambda t: [*t[:3], t[4], t[3], *t[5:]], "line 4"),
    "one twice": (lambda t: [*t[:4], *t[3:]], "line 5"),
    "one of elsewhere put in": (lambda t: [*t[:3], "{}\n", *t[3:]], "line 4"),
    "no text": (lambda t: [*t[:3], "\x00\x00\n", *t[3:]], "line 4"),
    "a hash changed": (
        lambda t: [*t[:3], t[3].replace('"hash":"', '"hash":"f')[:-3] + '"}\n', *t[4:]],
        "line 4",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
@pytest.mark.parametrize("alone", [True, False])
def test_the_first_broken_line_is_named_by_the_file_alone(world: World, how: str, alone: bool) -> None:
    change, where = TAMPERED[how]
    _edit(world, change)
    (problem,) = _check(world, alone=alone).problems
    assert problem.startswith(where)


def _written_anew(texts: list[str], at: int) -> list[str]:
    """A forger who may write the file: an entry changed, and every hash behind it made to fit."""
    line: AuditLine | None = None
    entries = []
    for text in texts:
        line = read_line(text.rstrip("\n").encode(), line)
        entries.append(line.entry)
    changed = entries[at]
    assert isinstance(changed, BlockReleased)
    value = json.loads(changed.value) | {"needs_attention": 999}
    entries[at] = changed.model_copy(update={"value": json.dumps(value, separators=(",", ":"))})
    line, lines = None, []
    for entry in entries:
        line = next_line(entry, line)
        lines.append(written(line).decode())
    return lines


def test_a_chain_written_anew_is_shown_by_a_noted_head_and_by_the_topics_and_not_by_the_file(
    world: World,
) -> None:
    early, late = _head(world, 1), _head(world)
    _edit(world, lambda texts: _written_anew(texts, 3))
    assert _check(world, alone=True).problems == []
    assert _check(world, early, alone=True).problems == []
    (by_head,) = _check(world, late, alone=True).problems
    assert "was written anew" in by_head
    by_release, by_ledger, *_ = _check(world).problems
    assert by_release.startswith("pulse 2 of epoch 1 left")
    assert by_release.endswith("with another content")
    assert "the ledger's entry at offset 3 is not what the log says" in by_ledger


def test_an_end_that_was_cut_off_is_shown_by_a_noted_head_and_by_the_release_topic(world: World) -> None:
    late = _head(world)
    _edit(world, lambda texts: texts[:-2])
    assert _check(world, alone=True).problems == []
    (by_head,) = _check(world, late, alone=True).problems
    assert by_head == "entry 7 was noted down, and the chain ends with entry 5: its end was cut off"
    found = _check(world)
    assert [problem.split(" left ")[0] for problem in found.problems] == [
        "portrait 0 of epoch 1",
        "pulse 5 of epoch 1",
    ]


def test_a_block_that_left_beside_the_service_is_shown(world: World) -> None:
    record = world.log.records[RELEASE][0]
    forged = (record.value or b"").replace(b'"needs_attention":', b'"needs_attention":1')
    world.log.append(Outgoing(RELEASE, record.key, forged, record.headers, record.timestamp_ms))
    (problem,) = _check(world).problems
    assert problem == "pulse 0 of epoch 1 left (offset 7) with another content"


def test_a_copy_of_a_block_and_a_record_that_is_none_are_no_problem(world: World) -> None:
    record = world.log.records[RELEASE][0]
    world.log.append(Outgoing(RELEASE, record.key, record.value, record.headers, record.timestamp_ms))
    world.log.append(Outgoing(RELEASE, b"x", b"?"))
    found = _check(world)
    assert found.problems == []
    assert found.notes == ["1 records in the release topic are no releases: they are not ours"]


def test_a_ledger_that_lost_its_end_is_shown_and_after_a_new_epoch_it_is_a_note(world: World) -> None:
    del world.log.records[LEDGER][-2:]
    (problem,) = _check(world).problems
    assert "2 entries of the log are not in the ledger, from portrait 0 of epoch 1 on" in problem
    world.run(world.service())
    found = _check(world)
    assert found.problems == []
    assert found.notes == ["2 entries of the log were lost from the ledger before a later epoch began"]


def test_blocks_closed_and_not_sent_yet_are_a_note(world: World) -> None:
    del world.log.records[RELEASE][-1]
    _edit(world, lambda texts: texts[:-1])
    found = _check(world)
    assert found.problems == []
    assert found.notes == ["1 entries of the ledger are not in the log: they did not leave by this log"]


def test_half_a_line_is_a_note(world: World) -> None:
    with world.audit_log.open("a") as file:
        file.write('{"entry":')
    found = _check(world)
    assert found.problems == []
    assert "incomplete" in found.notes[0]


def test_a_head_that_is_none_and_a_missing_file_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="NUMBER:HASH"):
        _check(world, "abc")
    with pytest.raises(BadInput, match="No such file"):
        verify(tmp_path / "none", None, ())


def _command(log_file: Path, *more: str) -> Result:
    app = typer.Typer()
    cli.register(app)
    environment = {"SEGWATCH_LOG": "embedded", "SEGWATCH_LOG_FILE": str(log_file)}
    return CliRunner().invoke(app, ["privacy", *more], env=environment)


def _embedded(world: World, path: Path) -> None:
    """The world's ledger and release topic in an embedded log, for a command to read."""
    with EmbeddedLog(path) as log, log.producer() as producer:
        log.create_topics({LEDGER: 1, RELEASE: 1})
        for topic in (LEDGER, RELEASE):
            producer.send(
                [Outgoing(topic, r.key, r.value, r.headers, r.timestamp_ms) for r in world.log.records[topic]]
            )


def test_the_commands_read_the_log_by_the_services_settings(world: World, tmp_path: Path) -> None:
    _embedded(world, tmp_path / "log.db")
    told = ("verify", "--audit-log", str(world.audit_log))
    whole = _command(tmp_path / "log.db", *told)
    assert whole.exit_code == 0
    assert f"head: {_head(world)}" in whole.stdout
    assert "cannot show that its end was cut off" in whole.stdout
    spent = _command(tmp_path / "log.db", "budget", "--json")
    assert spent.exit_code == 0
    assert json.loads(spent.stdout)["worst_study"] == 3.0
    explained = _command(tmp_path / "log.db", "explain", "--in-force")
    assert "Privacy policy demo-test: what leaves" in explained.stdout
    _edit(world, lambda texts: [*texts[:3], *texts[4:]])
    broken = _command(tmp_path / "log.db", *told, "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["problems"][0].startswith("line 4 ")
    alone = _command(tmp_path / "none.db", *told, "--file-only")
    assert alone.exit_code == 1
    assert "not compared with ledger and release topic" in alone.stdout
