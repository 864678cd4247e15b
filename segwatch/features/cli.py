"""`segwatch features list|explain|page`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from segwatch.terminal import new_console


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    features = typer.Typer(help="The catalogue of features.", no_args_is_help=True)
    features.command("list")(list_features)
    features.command("explain")(explain)
    features.command("page")(page)
    app.add_typer(features, name="features")


def list_features() -> None:
    """List the catalogue: name, unit, what is good, cost."""
    from rich.table import Table

    from segwatch.features.registry import FEATURES

    table = Table("feature", "unit", "good", "cost")
    for each in FEATURES:
        table.add_row(each.card.name, each.card.unit, each.card.good, each.card.cost)
    new_console().print(table)


def explain(name: Annotated[str, typer.Argument(help="A feature's name.")]) -> None:
    """Show a feature's card."""
    from rich.table import Table

    from segwatch.features.registry import feature

    table = Table(show_header=False)
    for field, text in asdict(feature(name).card).items():
        table.add_row(field.replace("_", " "), text)
    new_console().print(table)


def page(
    out: Annotated[Path, typer.Option(help="Markdown file to write.")] = Path("docs/features.md"),
) -> None:
    """Write the docs page of the catalogue from the cards."""
    from segwatch.features.page import catalogue_page

    out.write_text(catalogue_page())
