"""`segwatch topics create`: for those who bring a Kafka of their own."""

from typing import Annotated

import typer

from segwatch.streaming.operator import connected
from segwatch.terminal import say

topics = typer.Typer(
    help="The topics of the services. Finds the log by the same SEGWATCH_… variables as a service.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(topics, name="topics")


@topics.command("create")
def create(
    site: Annotated[
        list[str] | None,
        typer.Option(help="At the centre: a hospital whose releases come in; may be given again."),
    ] = None,
    partitions: Annotated[
        int, typer.Option(min=1, help="In a hospital: how many members a stage can have at most.")
    ] = 3,
) -> None:
    """Make what is missing of a hospital's topics, or with --site of the centre's."""
    from segwatch.streaming.topics import make_centre_topics, make_hospital_topics

    with connected() as log:
        made = make_centre_topics(log, site) if site else make_hospital_topics(log, partitions)
    for name in made:
        say(f"made {name}")
    if not made:
        say("every topic is there already")
