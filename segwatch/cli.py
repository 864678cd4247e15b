"""The `segwatch` command: one sub-command a task, each defined in the room it belongs to."""

import sys
from importlib import import_module
from typing import NoReturn

import typer

from segwatch.errors import SegwatchError
from segwatch.extras import extra_of, sentence
from segwatch.terminal import say, show_errors_plainly

ROOMS = (
    "segwatch.contracts.cli",
    "segwatch.features.cli",
    "segwatch.cohorts.cli",
    "segwatch.scoring.cli",
    "segwatch.serving.cli",
    "segwatch.training.cli",
    "segwatch.evaluation.cli",
    "segwatch.intake.cli",
    "segwatch.onboarding.cli",
    "segwatch.streaming.deadletters.cli",
    "segwatch.streaming.cli",
    "segwatch.keeper.cli",
    "segwatch.decisions.cli",
    "segwatch.preflight.cli",
    "segwatch.server.cli",
    "segwatch.dashboards.cli",
    "segwatch.segmentation.cli",
    "segwatch.phantoms.cli",
    "segwatch.aggregation.tools.cli",
)
"""Each has `register(app)`, which adds its commands. Heavy imports belong inside the commands."""

app = typer.Typer(
    name="segwatch",
    help="Quality monitoring of lesion segmentation, without ground truth. Not a diagnostic device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for room in ROOMS:
    import_module(room).register(app)


def main() -> None:
    """The `segwatch` command."""
    run(app)


def run(app: typer.Typer) -> None:
    """Run a command. Refused input, or a missing extra, ends with a message on standard error and code 2."""
    show_errors_plainly()
    try:
        app()
    except SegwatchError as error:
        _end(str(error))
    except ModuleNotFoundError as error:
        extra = extra_of(sys.argv[1:])
        if extra is None:
            raise
        _end(sentence(sys.argv[1], extra, error))
    except KeyboardInterrupt:
        sys.exit(130)


def _end(message: str) -> NoReturn:
    say(f"segwatch: {message}", err=True)
    sys.exit(2)
