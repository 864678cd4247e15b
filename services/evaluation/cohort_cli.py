"""`segwatch cohort …`: what makes a cohort. Each command is registered by one line in `register`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the sub-command `cohort` with its commands."""
    cohort = typer.Typer(help="Make a cohort: cases, whose they are, and which set they are in.")
    cohort.callback(no_args_is_help=True)(_cohort)
    app.add_typer(cohort, name="cohort")


def _cohort() -> None:
    """Make a cohort: cases, whose they are, and which set they are in."""
