"""`segwatch privacy`: what leaves, for those who answer for patients' data."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.streaming.operator import connected
from segwatch.terminal import say

if TYPE_CHECKING:
    from segwatch.streaming.log import Log, Record

PolicyFile = Annotated[
    Path, typer.Option("--policy", envvar="SEGWATCH_POLICY", help="The site's privacy policy, a YAML file.")
]
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
def explain(
    policy: Annotated[
        Path | None,
        typer.Option(envvar="SEGWATCH_POLICY", help="A policy file: what would leave under it."),
    ] = None,
    in_force: Annotated[
        bool, typer.Option("--in-force", help="The policy that the ledger says is in force now.")
    ] = False,
) -> None:
    """Print every field that leaves under a policy: how often, how protected, and with an example."""
    from segwatch.aggregation.ledger.fold import policy_in_force
    from segwatch.aggregation.mechanism.policy import read_policy
    from segwatch.aggregation.tools.explain import explain as explained

    if in_force:
        with connected() as log:
            say(explained(policy_in_force(_ledger(log))))
    elif policy is not None:
        say(explained(read_policy(policy)))
    else:
        raise typer.BadParameter("name a --policy file, or say --in-force")


@privacy.command()
def budget(as_json: AsJson = False) -> None:
    """Print what a study and a patient have lost so far, from the ledger.

    Finds the log by aggregation's SEGWATCH_… variables and needs its right to read the ledger.
    """
    from segwatch.aggregation.tools.budget import budget_of
    from segwatch.aggregation.tools.reports import budget_json, budget_text

    with connected() as log:
        found = budget_of(_ledger(log))
    say(json.dumps(budget_json(found), indent=2) if as_json else budget_text(found))
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
    from segwatch.aggregation.audit_log.verify import verify as verified
    from segwatch.aggregation.tools.reports import verify_json, verify_text

    if file_only:
        lines, found = verified(audit_log, None, head or [])
    else:
        with connected() as log:
            lines, found = verified(audit_log, log, head or [])
    if as_json:
        say(json.dumps(verify_json(lines, found, not file_only), indent=2))
    else:
        say(verify_text(audit_log, lines, found, not file_only))
    if found.problems:
        raise typer.Exit(1)


@privacy.command()
def audit(
    policy: PolicyFile,
    trials: Annotated[int, typer.Option(min=10, help="Portraits in each of the two worlds.")] = 1000,
    false_alarm: Annotated[
        float, typer.Option(min=1e-12, max=0.5, help="The chance that a sound release path fails.")
    ] = 1e-6,
    as_json: AsJson = False,
) -> None:
    """Run the release path on two worlds that differ in one study, and bound the privacy loss that is seen.

    Uses made-up studies, no log and no settings. 1000 trials take some minutes. Exit code 1 where it fails.
    """
    from segwatch.aggregation.mechanism.policy import read_policy
    from segwatch.aggregation.tools.reports import audit_json, audit_text
    from segwatch.aggregation.trial.audit import audit as audited
    from segwatch.progress import progress

    logging.getLogger("segwatch.aggregation").setLevel(
        logging.CRITICAL
    )  # it loses acknowledgements on purpose
    read = read_policy(policy)
    with progress("trials", 2 * trials) as done:
        found = audited(read, trials, chance=false_alarm, progress=done)
    say(json.dumps(audit_json(found), indent=2) if as_json else audit_text(read, found))
    if not found.holds:
        raise typer.Exit(1)


def _ledger(log: "Log") -> "Iterator[Record]":
    from segwatch.contracts.topics import LEDGER
    from segwatch.streaming.topic_reader import whole_topic

    return whole_topic(log, LEDGER)
