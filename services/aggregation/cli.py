"""`segwatch privacy`: what leaves, for those who answer for patients' data."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.streaming.log import Log

PolicyFile = Annotated[Path, typer.Option("--policy", help="The site's privacy policy, a YAML file.")]
AuditFile = Annotated[
    Path, typer.Option("--audit-log", envvar="SEGWATCH_AUDIT_LOG", help="Aggregation's audit log.")
]
Noted = Annotated[
    list[str] | None, typer.Option("--head", help="NUMBER:HASH that was noted down earlier; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]

privacy = typer.Typer(help="What leaves the hospital, and how it is protected.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(privacy, name="privacy")


@privacy.command()
def explain(policy: PolicyFile) -> None:
    """Print every field that leaves under a policy: how often, how protected, and with an example."""
    from services.aggregation.explain import explain as explained
    from services.aggregation.policy import read_policy

    typer.echo(explained(read_policy(policy)))


@privacy.command()
def budget(as_json: AsJson = False) -> None:
    """Print what a study and a patient have lost so far, from the ledger.

    Finds the log by aggregation's SEGWATCH_… variables and needs its right to read the ledger.
    """
    from services.aggregation.budget import budget_of
    from services.aggregation.reports import budget_json, budget_text
    from services.aggregation.tail import Tail
    from services.contracts.topics import LEDGER

    with _log() as log:
        found = budget_of(Tail(log, LEDGER, lambda: None).to_end())
    typer.echo(json.dumps(budget_json(found), indent=2) if as_json else budget_text(found))
    if found.twice:
        raise typer.Exit(1)


@privacy.command()
def verify(
    audit_log: AuditFile,
    head: Noted = None,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Do not compare with ledger and release topic.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the audit log's chain, and that it holds what left; names the first broken record.

    Exit code 1 where something is wrong. Finds ledger and release topic by aggregation's settings.
    """
    from services.aggregation.audit_check import verify as verified
    from services.aggregation.reports import verify_json, verify_text

    if file_only:
        lines, found = verified(audit_log, None, head or [])
    else:
        with _log() as log:
            lines, found = verified(audit_log, log, head or [])
    if as_json:
        typer.echo(json.dumps(verify_json(lines, found, not file_only), indent=2))
    else:
        typer.echo(verify_text(audit_log, lines, found, not file_only))
    if found.problems:
        raise typer.Exit(1)


@contextmanager
def _log() -> "Iterator[Log]":
    from services.streaming.connect import open_log
    from services.streaming.settings import ConnectionSettings, load_settings

    with open_log(load_settings(ConnectionSettings, strangers=True)) as log:
        yield log
