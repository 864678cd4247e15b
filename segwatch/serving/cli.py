"""`segwatch scorer status|compare|promote|rollback`: which scorer counts, and what the other would change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.streaming.operator import connected
from segwatch.terminal import new_console, say

if TYPE_CHECKING:
    from rich.table import Table

    from segwatch.serving.comparison import Summary

Scorer = Annotated[
    Path, typer.Option(envvar="SEGWATCH_SCORER", help="Bundle that counts where nothing was decided.")
]
Shadow = Annotated[
    Path | None, typer.Option(envvar="SEGWATCH_SHADOW_SCORER", help="Bundle that scores beside it.")
]
Why = Annotated[str, typer.Option("--reason", help="Why: a sentence for whoever reads the log.")]
Who = Annotated[str, typer.Option("--by", help="Who decides; the user and host where empty.")]

scorer_commands = typer.Typer(
    help="Which scorer counts. Finds the log by the same SEGWATCH_… variables as the scoring service.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(scorer_commands, name="scorer")


@scorer_commands.command("status")
def status() -> None:
    """Show every decision, the last one last: who, when, why, and by which hashes."""
    from segwatch.serving.commands import in_a_line
    from segwatch.serving.decisions import ScorerDecisions

    with connected() as log:
        made = ScorerDecisions(log).all()
    for each in made:
        say(in_a_line(each))
    say(
        f"{made[-1].counts.name} {made[-1].counts.sha256} counts"
        if made
        else "nothing was decided: the scorer that the service is set to (SCORER) counts"
    )


@scorer_commands.command("compare")
def compare_scorers() -> None:
    """Show what would change if the shadow counted: flags, shares and pages over the last 200 studies."""

    from segwatch.serving.commands import compared

    with connected() as log:
        found = compared(log)
    new_console().print(_table(found.counts, found.shadow))
    say(
        f"{found.studies} studies by both: {found.newly_flagged} would be flagged that are not, "
        f"{found.no_longer_flagged} no longer. Shares are of predictions: no mask was looked at."
    )


@scorer_commands.command("promote")
def promote(scorer: Scorer, reason: Why, shadow: Shadow = None, by: Who = "") -> None:
    """Make the shadow count, from the next study on. What it replaces scores on as its shadow."""
    from segwatch.serving.commands import change

    say(change("promote", scorer, shadow, reason, by))


@scorer_commands.command("rollback")
def rollback(scorer: Scorer, reason: Why, shadow: Shadow = None, by: Who = "") -> None:
    """Make the scorer count again that the service is set to."""
    from segwatch.serving.commands import change

    say(change("rollback", scorer, shadow, reason, by))


def _table(counts: "Summary", shadow: "Summary") -> "Table":
    from rich.table import Table

    table = Table("", "counts", "shadow", box=None)
    table.add_row("scorer", counts.scorer.name, shadow.scorer.name)
    table.add_row("sha256", counts.scorer.sha256[:12], shadow.scorer.sha256[:12])
    table.add_row("flagged share", f"{counts.flagged:.3f}", f"{shadow.flagged:.3f}")
    table.add_row(
        "predicted failed share", f"{counts.predicted_failed:.3f}", f"{shadow.predicted_failed:.3f}"
    )
    table.add_row("mean predicted Dice", _dice(counts.predicted_dice), _dice(shadow.predicted_dice))
    table.add_row("pages", str(counts.pages), str(shadow.pages))
    return table


def _dice(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
