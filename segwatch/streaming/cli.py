"""`segwatch topics`: made, for those who bring a Kafka of their own; copied, and put back."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.errors import BadInput
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


@topics.command("save")
def save(
    folder: Annotated[Path, typer.Argument(help="Where the copies lie, on another disk than the log's.")],
    keep: Annotated[int, typer.Option(min=1, help="How many copies of each topic stay.")] = 30,
) -> None:
    """Write a copy of the ledger and of each topic of decisions beside the earlier ones; the oldest go.

    A copy that holds what the newest lacks is never removed: its topic was lost after it. The exit code is 1
    then, until somebody has put it back, or moved it away.
    """
    from segwatch.contracts.envelope import utc_now
    from segwatch.contracts.topics import COPIED
    from segwatch.streaming.copies import save as saved
    from segwatch.streaming.copies import thin_out

    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    precious: list[Path] = []
    with connected() as log:
        found = sorted(log.topics() & set(COPIED))
        if not found:
            raise BadInput(f"none of {', '.join(COPIED)} is there, or may be seen by this principal")
        for topic in found:
            path, number = saved(log, topic, folder, utc_now())
            say(f"{path}: {number} records")
            precious += thin_out(folder, topic, keep)
    for each in precious:
        say(f"{each} stays: it holds records that its topic lacks now", err=True)
    if precious:
        raise typer.Exit(1)


@topics.command("restore")
def restore(
    copy: Annotated[
        Path, typer.Argument(help="What `segwatch topics save` wrote; of a folder the ledger's newest copy.")
    ],
) -> None:
    """Put back what a copy holds and its topic lacks. Who writes to the topic must not run meanwhile.

    A topic that says anything else than the copy is left as it is.
    """
    from segwatch.contracts.topics import LEDGER
    from segwatch.streaming.copies import newest
    from segwatch.streaming.copies import restore as restored

    if copy.is_dir():
        copy = newest(copy, LEDGER)
        say(f"from {copy}")
    with connected() as log:
        topic, there, put_back = restored(log, copy)
    say(f"{topic}: {put_back} records were put back, {there} were there")
