"""What others wrote is shown on a terminal and never obeyed."""

import ast
import io
from pathlib import Path

import pytest

from segwatch.terminal import new_console, plain, plain_line, say

ROOT = Path(__file__).parents[2]
HOSTILE = "case\x1b]0;OWNED\x07\x1b[2Kall is well\r\nfake\x9b2J\u202eline"
SPEAKS = {"segwatch/terminal.py", "segwatch/streaming/stopping.py"}


def controls(text: str) -> set[str]:
    return {each for each in text if (ord(each) < 0x20 and each not in "\n\t") or 0x7F <= ord(each) < 0xA0}


def test_a_text_keeps_its_lines_and_shows_what_would_be_obeyed() -> None:
    assert plain(HOSTILE).count("\n") == 1
    assert not controls(plain(HOSTILE))
    assert "\u202e" not in plain(HOSTILE)
    assert "\\x1b]0;OWNED" in plain(HOSTILE)
    assert plain("Jörg, 3 µm – gut") == "Jörg, 3 µm – gut"


def test_a_name_cannot_pretend_to_be_two_lines() -> None:
    assert len(plain_line(HOSTILE).splitlines()) == 1


def test_what_is_said_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    assert not controls("".join(capsys.readouterr()))


def test_a_table_on_a_terminal_has_its_own_colours_and_nobody_elses() -> None:
    from rich.table import Table

    out = io.StringIO()
    table = Table("name")
    table.add_row(HOSTILE)
    new_console(file=out, force_terminal=True, width=200).print(table, HOSTILE)
    written = out.getvalue()
    assert "\x1b[1m" in written
    for sequence in ("\x1b]", "\x1b[2K", "\x07", "\x9b"):
        assert sequence not in written


def calls_that_print(source: str) -> set[str]:
    """Calls in a source that write to a terminal by themselves."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in {"print", "typer.echo", "typer.secho", "click.echo", "Console", "rich.print"}:
                found.add(name)
    return found


@pytest.mark.parametrize("room", ["segwatch", "services", "deploy", "research"])
def test_everything_that_is_printed_goes_through_one_place(room: str) -> None:
    speaking = {
        str(path.relative_to(ROOT)): calls_that_print(path.read_text())
        for path in (ROOT / room).rglob("*.py")
        if str(path.relative_to(ROOT)) not in SPEAKS
    }
    assert {path: calls for path, calls in speaking.items() if calls} == {}
