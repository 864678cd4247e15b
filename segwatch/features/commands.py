"""What the room's commands do, once they are called: thin, and with heavy imports."""

from dataclasses import fields

from rich.console import Console
from rich.table import Table

from segwatch.features.card import Card
from segwatch.features.registry import FEATURES, feature


def print_catalogue() -> None:
    """Print all cards in short."""
    table = Table("feature", "unit", "good", "cost")
    for each in FEATURES:
        table.add_row(each.card.name, each.card.unit, each.card.good, each.card.cost)
    Console().print(table)


def print_card(name: str) -> None:
    """Print a feature's card."""
    card = feature(name).card
    table = Table(show_header=False)
    for each in fields(Card):
        table.add_row(each.name.replace("_", " "), getattr(card, each.name))
    Console().print(table)
