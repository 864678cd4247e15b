"""`segwatch models list|show|verify`: what scorers there are, what they say, and whether they load."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(help="A bundle's folder.")]
Folders = Annotated[Path, typer.Argument(help="A bundle's folder, or a folder of bundles.")]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    models = typer.Typer(help="Scorers' bundles: list, show, verify.", no_args_is_help=True)
    models.command("list")(list_models)
    models.command("show")(show)
    models.command("verify")(verify)
    app.add_typer(models, name="models")


def list_models(folder: Folders = Path("deploy/models")) -> None:
    """List the scorers in a folder, with what their training rows gave out of fold."""
    from segwatch.scoring import commands

    commands.list_models(folder)


def show(folder: Folder) -> None:
    """Show a scorer's model card, after its hash was checked."""
    from segwatch.scoring import commands

    commands.show(folder)


def verify(folder: Folders) -> None:
    """Load a scorer as the service would, or every one in a folder; exit code 2 where one is refused."""
    from segwatch.scoring import commands

    commands.verify(folder)
