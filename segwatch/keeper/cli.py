"""`segwatch keep-log`: what the pod `log-keeper` runs, where no Strimzi is."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.terminal import say


def register(app: typer.Typer) -> None:
    """Add the room's command."""
    app.command("keep-log")(keep_log)


def keep_log(
    bootstrap: Annotated[str, typer.Option(help="The broker.")] = "log-kafka-bootstrap:9093",
    folder: Annotated[Path, typer.Option(help="For keys while they are worked with: in memory.")] = Path(
        "/run/keeper"
    ),
    site: Annotated[
        list[str] | None, typer.Option(help="At the centre: a hospital; may be given again.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="A further name that the broker is called by.")
    ] = None,
) -> None:
    """In a cluster without Strimzi: certificates into their Secrets, topics and rights; for ever."""
    import signal

    from segwatch.keeper.keeping import keep
    from segwatch.keeper.secrets import Secrets

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a first process has none of its own
    keep(Secrets(), folder, bootstrap, site or None, host or [], say)
