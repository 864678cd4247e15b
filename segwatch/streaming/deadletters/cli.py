"""`segwatch deadletters list|show|replay`: what could not be processed, why, and another try."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwatch.streaming.operator import checked_reason, connected, user_at_host
from segwatch.terminal import new_console, plain_line, say

if TYPE_CHECKING:
    from segwatch.streaming.deadletters.reading import Letter

AS_JSON = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
IDS = Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.", metavar="[ID]...")]
INBOX = Annotated[Path | None, typer.Option(envvar="SEGWATCH_INBOX", help="Ingest's inbox.")]

PIPED_WIDTH = 240
"""Columns where the output is no terminal: wide enough that ids and reasons stay on one line."""

deadletters = typer.Typer(
    help="Records that could not be processed. Finds the log by the same SEGWATCH_… variables as a service.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(deadletters, name="deadletters")


@deadletters.command("list")
def list_letters(
    as_json: AS_JSON = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only those neither replayed nor acknowledged.")
    ] = False,
) -> None:
    """List all dead letters, oldest first."""
    from segwatch.streaming.deadletters.reading import read_letters

    with connected() as log:
        found = read_letters(log)
    letters = [letter for letter in found.by_id.values() if letter.pending or not pending]
    if as_json:
        say(json.dumps([_summary(letter) for letter in letters], indent=2))
    else:
        _table(letters)
    if found.strangers:
        say(f"{found.strangers} records in the dead-letter topics are no dead letters", err=True)


@deadletters.command("show")
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An id, or how it begins.")],
    as_json: AS_JSON = False,
) -> None:
    """Show one dead letter with its record: pseudonyms and measurements, so keep it in the hospital."""
    from segwatch.streaming.deadletters.reading import read_letters
    from segwatch.streaming.deadletters.replay import find

    with connected() as log:
        letter = find(read_letters(log), id_)
    fields = _summary(letter) | _content(letter)
    if as_json:
        say(json.dumps(fields, indent=2))
        return
    for name, value in fields.items():
        say(f"{name:>10}  {plain_line(value) if isinstance(value, str) else json.dumps(value)}")


@deadletters.command("replay")
def replay_letters(
    ids: IDS = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what was replayed already.")] = False,
    inbox: INBOX = None,
    as_json: AS_JSON = False,
) -> None:
    """Give the stage that failed another try. No other stage reads what is replayed."""
    from segwatch.ingest.inbox import ORIGIN, put_back
    from segwatch.streaming.deadletters.reading import read_letters
    from segwatch.streaming.deadletters.replay import choose, replay

    if bool(ids) == everything:
        raise typer.BadParameter("name ids, or say --all")
    with connected() as log, log.producer() as producer:
        chosen = choose(read_letters(log), ids or [], everything=everything, again=again)
        for letter in chosen:
            replay(letter, producer, {ORIGIN: partial(put_back, inbox)})
            if not as_json:
                say(f"{letter.id}  replayed for {letter.stage}")
    if as_json:
        say(json.dumps([letter.id for letter in chosen]))
    elif not chosen:
        say("nothing to replay")


@deadletters.command("acknowledge")
def acknowledge_letters(
    reason: Annotated[str, typer.Option(help="Why they are left as they are; it is written down.")],
    ids: IDS = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Say that somebody has looked, and that no other try is wanted: the alert ends. The letters stay."""
    from segwatch.streaming.deadletters.reading import acknowledgement, read_letters
    from segwatch.streaming.deadletters.replay import find
    from segwatch.streaming.deadletters.writing import now

    if bool(ids) == everything:
        raise typer.BadParameter("name ids, or say --all")
    why = checked_reason(reason)
    with connected() as log, log.producer() as producer:
        found = read_letters(log)
        chosen = list(found.by_id.values()) if everything else [find(found, id_) for id_ in ids or []]
        waiting = [letter for letter in dict.fromkeys(chosen) if letter.pending]
        producer.send([acknowledgement(letter, now(), user_at_host(), why) for letter in waiting])
    for letter in waiting:
        say(f"{letter.id}  acknowledged")
    if not waiting:
        say("nothing waits")


def _summary(letter: "Letter") -> dict[str, Any]:
    fields = vars(letter).copy()
    del fields["record"]
    return fields | {"replayed": list(letter.replayed), "acknowledged": list(letter.acknowledged)}


def _content(letter: "Letter") -> dict[str, Any]:
    record = letter.record
    return {
        "key": (record.key or b"").decode(errors="replace"),
        "headers": {
            name: value.decode(errors="replace")
            for name, value in record.headers
            if not name.startswith("dlq_")
        },
        "value": None if record.value is None else record.value.decode(errors="replace"),
    }


def _table(letters: "list[Letter]") -> None:
    from rich.table import Table

    table = Table(
        "id", "time", "stage", "error", "attempts", "origin", "reason", "replayed", "acknowledged", box=None
    )
    for letter in letters:
        origin = f"{letter.topic}/{letter.partition}/{letter.offset}"
        times = str(len(letter.replayed)) if letter.replayed else ""
        seen = letter.acknowledged[-1] if letter.acknowledged else ""
        cells = (letter.id[:12], letter.time, letter.stage, letter.error, str(letter.attempts))
        table.add_row(*map(plain_line, (*cells, origin, letter.reason, times, seen)))
    console = new_console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table if letters else "no dead letters")
