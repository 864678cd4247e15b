"""`segwatch schemas`: the contracts as files, and whether they are current and compatible."""

import json
from pathlib import Path
from typing import Annotated

import typer

from segwatch.errors import SegwatchError
from segwatch.terminal import say

FOLDER = Path("schemas")
RELEASED = "released"

Folder = Annotated[Path, typer.Argument(help="The folder of the schemas.")]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    schemas = typer.Typer(help="Write and check the JSON Schemas of all messages.", no_args_is_help=True)
    schemas.command("write")(write)
    schemas.command("check")(check)
    app.add_typer(schemas, name="schemas")


def write(folder: Folder = FOLDER) -> None:
    """Write every schema from the types in segwatch/contracts."""
    from segwatch.contracts.schemas import write_all

    for name in write_all(folder):
        say(f"wrote {folder / name}")


def check(folder: Folder = FOLDER) -> None:
    """Fail where a schema is not what the types say, or refuses messages that its release allowed."""
    from segwatch.contracts.compatibility import breaking_changes
    from segwatch.contracts.schemas import stale

    problems = [f"{name} is not current: run `make schemas`" for name in stale(folder)]
    for released in sorted((folder / RELEASED).glob("*.json")):
        current = folder / released.name
        if not current.is_file():
            problems.append(f"{released.name}: the schema is gone; a deployed reader still needs it")
            continue
        old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (released, current))
        problems += [f"{released.name}: {line}; make a new version" for line in breaking_changes(old, new)]
    if problems:
        raise SegwatchError("the schemas do not hold:\n  " + "\n  ".join(problems))
    say("the schemas are current and compatible")
