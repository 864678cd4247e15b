"""Speaking to a terminal: names of files, of studies and what others wrote are shown, and never obeyed.

A folder in the inbox, a DICOM field or a record's key may hold escape sequences that set a terminal's title,
wipe a line or write another in its place, and direction marks that turn text round. Everything that a command
prints goes through here (a test holds it), and such characters are shown as they are written in Python.
"""

import sys
import traceback
from types import TracebackType
from typing import Any

import typer

_LINE_BREAKS = "\n\t"
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
"""C0 with ESC, DEL, and C1, in which 0x9B begins a sequence as ESC does."""
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
_SHOWN = {code: repr(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS)}
_SHOWN_IN_TEXT = {code: shown for code, shown in _SHOWN.items() if chr(code) not in _LINE_BREAKS}


def plain(text: str) -> str:
    r"""The text with every control character shown; its lines stay lines.

    Examples:
        >>> plain("a\x1b[2Kb\n")
        'a\\x1b[2Kb\n'
    """
    return text.translate(_SHOWN_IN_TEXT)


def plain_line(text: str) -> str:
    r"""The text as one line: what breaks lines is shown too, so that a name cannot pretend to be two lines.

    Examples:
        >>> plain_line("well\nall is well")
        'well\\nall is well'
    """
    return text.translate(_SHOWN)


def say(text: str, *, err: bool = False) -> None:
    """Write the text and an end of line to standard output, or to standard error."""
    typer.echo(plain(text), err=err)


def new_console(**options: Any) -> Any:  # noqa: ANN401 - rich is heavy, and imported where it is used
    """rich's console, whose own colours and bars work, and which shows the text's control characters."""
    from rich import control
    from rich.console import Console

    # Where rich takes what it does not print out of a text: five characters by default, and not ESC. It is
    # one table for all that it draws.
    control._CONTROL_STRIP_TRANSLATE.update(_SHOWN_IN_TEXT)
    return Console(**options)


def show_errors_plainly() -> None:
    """Let a traceback, which quotes what was at fault, be shown and not obeyed."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.stderr.write(plain("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = hook
