"""`segwatch dashboards push|diff|provision`."""

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.errors import BadSettings
from segwatch.terminal import say

if TYPE_CHECKING:
    from segwatch.dashboards.grafana import Grafana

BOARDS = Path("deploy/dashboards")
PATHS = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files, or folders of them; deploy/dashboards where left out."),
]
URL = Annotated[str, typer.Option("--url", envvar="GRAFANA_URL", help="Where a browser opens Grafana.")]
TOKEN_FILE = Annotated[
    Path | None,
    typer.Option(envvar="GRAFANA_TOKEN_FILE", help="A service account's token; or it is in GRAFANA_TOKEN."),
]
CA_FILE = Annotated[
    Path | None,
    typer.Option(envvar="GRAFANA_CA_FILE", help="The authority to trust; the system's if left out."),
]
FOLDER = Annotated[str, typer.Option("--folder", help="The title of the folder in Grafana.")]
FOLDER_UID = Annotated[str, typer.Option(help="Its uid, by which it is known.")]
RUNBOOKS = Annotated[
    str | None,
    typer.Option(
        envvar="SEGWATCH_RUNBOOKS",
        help="What the address of every runbook begins with; without it panels have no links to them.",
    ),
]

dashboards = typer.Typer(help="The dashboards in a Grafana, or in files that it reads.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(dashboards, name="dashboards")


@dashboards.command("push")
def push(
    url: URL,
    paths: PATHS = None,
    token_file: TOKEN_FILE = None,
    ca_file: CA_FILE = None,
    folder: FOLDER = "segwatch",
    folder_uid: FOLDER_UID = "segwatch",
    runbooks: RUNBOOKS = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over what was changed by hand in Grafana.")
    ] = False,
) -> None:
    """Write the dashboards into a folder of Grafana. A second push changes nothing."""
    from segwatch.dashboards import push as pushing
    from segwatch.dashboards.board import read_boards

    boards = read_boards(paths or [BOARDS], runbooks)
    with _grafana(url, token_file, ca_file) as grafana:
        for line in pushing.push(grafana, boards, folder_uid, folder, overwrite=overwrite):
            say(line)
        _say_source(grafana.sources())


@dashboards.command("diff")
def diff(
    url: URL,
    paths: PATHS = None,
    token_file: TOKEN_FILE = None,
    ca_file: CA_FILE = None,
    folder: FOLDER = "segwatch",
    folder_uid: FOLDER_UID = "segwatch",
    runbooks: RUNBOOKS = None,
) -> None:
    """Show what a push would change, `-` as Grafana has it and `+` as it would be; 1 where anything is."""
    from segwatch.dashboards.board import read_boards
    from segwatch.dashboards.push import BoardState, checked_folder, look

    boards = read_boards(paths or [BOARDS], runbooks)
    with _grafana(url, token_file, ca_file) as grafana:
        if not checked_folder(grafana, folder_uid, folder):
            say(f"the folder {folder} ({folder_uid}) is not in Grafana")
        found = look(grafana, boards, folder_uid)
    for each in found:
        say(each.shown())
        for line in each.differences():
            say(f"  {line}")
    if any(each.state is not BoardState.SAME for each in found):
        raise typer.Exit(1)


@dashboards.command("provision")
def provision(
    out: Annotated[Path, typer.Option(help="The folder to write, for provisioning/dashboards.")],
    paths: PATHS = None,
    path: Annotated[
        str, typer.Option(help="Where Grafana finds the boards in it.")
    ] = "/etc/grafana/provisioning/dashboards/segwatch",
    folder: FOLDER = "segwatch",
    folder_uid: FOLDER_UID = "segwatch",
    runbooks: RUNBOOKS = None,
) -> None:
    """Write the dashboards, and the provider that names them, for a Grafana that reads files."""
    from segwatch.dashboards import provision as provisioning
    from segwatch.dashboards.board import read_boards

    boards = read_boards(paths or [BOARDS], runbooks)
    for file in provisioning.provision(out, boards, PurePosixPath(path), folder_uid, folder):
        say(f"wrote {file}")


def _grafana(url: str, token_file: Path | None, ca_file: Path | None) -> "Grafana":
    from segwatch.dashboards.grafana import Grafana

    return Grafana(url, _token(token_file), ca_file)


def _token(file: Path | None) -> str:
    """The token: from a file, or from the environment; never from a command line, which others can see."""
    if file is None:
        token, where = os.environ.get("GRAFANA_TOKEN", ""), "GRAFANA_TOKEN"
    else:
        try:
            token, where = file.read_text(encoding="utf-8"), f"GRAFANA_TOKEN_FILE ({file})"
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"GRAFANA_TOKEN_FILE: {file} cannot be read: {error}") from error
    token = token.strip()
    if not token:
        raise BadSettings(
            "no token: put that of a service account (Administration, Service accounts; role Editor) into a"
            " file and name it in GRAFANA_TOKEN_FILE"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadSettings(f"{where} holds something else than one token")
    return token


def _say_source(sources: list[str] | None) -> None:
    if sources is None:
        say("whether there is a Prometheus data source could not be seen: the token lacks datasources:read")
    elif not sources:
        say("Grafana has no Prometheus data source: every panel is empty until there is one")
