"""`segwatch privacy`: what leaves, for those who answer for patients' data."""

from pathlib import Path
from typing import Annotated

import typer

PolicyFile = Annotated[Path, typer.Option("--policy", help="The site's privacy policy, a YAML file.")]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    privacy = typer.Typer(help="What leaves the hospital, and how it is protected.", no_args_is_help=True)
    privacy.callback()(_group)
    privacy.command("explain")(explain)
    app.add_typer(privacy, name="privacy")


def explain(policy: PolicyFile) -> None:
    """Print every field that leaves under a policy: how often, how protected, and with an example."""
    from services.aggregation.explain import explain as explained
    from services.aggregation.policy import read_policy

    typer.echo(explained(read_policy(policy)))


def _group() -> None:
    """Keeps `explain` a command of its own while it is the only one."""
