"""`segwatch preflight server|cluster|overlay`: what is wrong, each in one line with its remedy."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.errors import BadInput
from segwatch.terminal import say

if TYPE_CHECKING:
    from segwatch.preflight.findings import Check

EPILOG = (
    "Exit code: 0 all is well, 1 something is at fault, 2 something could not be looked at, or the command"
    " itself was wrong. What could not be looked at is never taken for well."
)
AsJson = Annotated[bool, typer.Option("--json", help="The findings as JSON.")]
Faults = Annotated[bool, typer.Option("--faults", help="Show only what is at fault or unknown.")]
Studies = Annotated[float, typer.Option(min=0, help="How many examinations come in on a day.")]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    preflight = typer.Typer(
        help="What is wrong with an installation, before a study is lost to it.", no_args_is_help=True
    )
    for name, command in (("server", server), ("cluster", cluster), ("overlay", overlay)):
        preflight.command(name, epilog=EPILOG)(command)
    app.add_typer(preflight, name="preflight")


def server(
    settings: Annotated[
        list[Path] | None,
        typer.Option(help="A service's settings (NAME.env), or a folder of them; the environment without."),
    ] = None,
    ntp: Annotated[list[str] | None, typer.Option(help="A time server, HOST or HOST:PORT; `none`.")] = None,
    clock_url: Annotated[list[str] | None, typer.Option(help="A page whose answer bears the time.")] = None,
    prometheus: Annotated[str | None, typer.Option(help="Its address; `none` where there is none.")] = None,
    alertmanager: Annotated[str | None, typer.Option(help="Its address; `none` where there is none.")] = None,
    called_as: Annotated[
        str | None, typer.Option(help="The name that senders call ingest by; `none`.")
    ] = None,
    proxy: Annotated[str | None, typer.Option(help="The network's HTTP proxy; https_proxy without.")] = None,
    studies_a_day: Studies = 40.0,
    as_json: AsJson = False,
    faults: Faults = False,
) -> None:
    """Look at this machine as its services will see it: run it as their user, with their settings."""
    from segwatch.preflight.network import proxy_of
    from segwatch.preflight.server import Circumstances, server_checks
    from segwatch.preflight.settings_files import environments

    asked = Circumstances(
        ntp=tuple(ntp or ()),
        clock_urls=tuple(clock_url or ()),
        prometheus=prometheus,
        alertmanager=alertmanager,
        called_as=called_as,
        proxy=proxy or proxy_of(),
        studies_a_day=studies_a_day,
    )
    _look(server_checks(environments(settings or ()), asked), as_json=as_json, faults=faults)


def cluster(
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where segwatch is.")] = "segwatch",
    context: Annotated[str | None, typer.Option(help="kubectl's context.")] = None,
    studies_a_day: Studies = 40.0,
    as_json: AsJson = False,
    faults: Faults = False,
) -> None:
    """Look at a cluster through kubectl, and have each of its pods look around."""
    from segwatch.preflight.cluster import cluster_checks, kubectl

    _look(cluster_checks(partial(kubectl, context), namespace, studies_a_day), as_json=as_json, faults=faults)


def overlay(
    rendered: Annotated[
        str, typer.Argument(metavar="FILE", help="What kubectl kustomize writes; - for stdin.")
    ],
    network: Annotated[bool, typer.Option("--network", help="Try its addresses from this machine.")] = False,
    studies_a_day: Studies = 40.0,
    as_json: AsJson = False,
    faults: Faults = False,
) -> None:
    """Look at a rendered overlay, before it is applied."""
    from segwatch.preflight.manifests import read_manifests
    from segwatch.preflight.network import proxy_of
    from segwatch.preflight.overlay import manifest_checks

    try:
        text = sys.stdin.read() if rendered == "-" else Path(rendered).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{rendered} cannot be read ({type(error).__name__}): give a rendered overlay"
        ) from None
    found = read_manifests(text, "standard input" if rendered == "-" else rendered)
    checks = manifest_checks(found, studies_a_day, network=network, proxy=proxy_of())
    _look(checks, as_json=as_json, faults=faults)


def _look(checks: Sequence["Check"], *, as_json: bool, faults: bool) -> None:
    from segwatch.preflight.findings import exit_code, findings_of
    from segwatch.progress import progress

    with progress("looking", len(checks)) as advance:
        every = []
        for check in checks:
            every += findings_of(check)
            advance()
    found = list(dict.fromkeys(every))
    shown = [each for each in found if not faults or each.state in ("fault", "unknown")]
    code = exit_code(found)
    if as_json:
        say(json.dumps({"exit": code, "findings": [asdict(each) for each in shown]}, indent=1))
    else:
        for each in shown:
            say(each.line())
        number = {state: sum(each.state == state for each in found) for state in ("fault", "unknown", "ok")}
        say(f"{number['fault']} at fault, {number['unknown']} unknown, {number['ok']} well", err=True)
    raise typer.Exit(code)
