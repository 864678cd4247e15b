"""The command line of the local stack; `make` calls it. Every option is an environment variable too."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from deploy.local import up_down
from deploy.local.machine import setup
from deploy.local.machine.process import NotReady
from deploy.local.run_cases import run_cases
from deploy.local.run_story import run_story
from deploy.local.stack.options import (
    DEMO_LESION_MODEL,
    DEMO_POLICY,
    DEMO_SCORER,
    HOSPITALS,
    SAFE_POLICY,
    STUDIES,
    RunOptions,
)
from segwatch.errors import SegwatchError
from segwatch.terminal import new_console

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
PICTURES = Path(".run/pictures")
FILE_WIDTH = 160
"""Where output is no terminal, tables need not fit one."""
console = new_console(markup=False, highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)

Hospitals = Annotated[int, typer.Option(envvar="HOSPITALS", min=1, max=26, help="How many hospitals.")]
Studies = Annotated[int, typer.Option(envvar="STUDIES", min=0, help="Studies at each hospital.")]
Log = Annotated[str, typer.Option(envvar="LOG", help="`kafka` where it can be had, or `embedded`.")]
Seed = Annotated[int, typer.Option(envvar="DEMO_NOISE_SEED", help="Fixes the demonstration's noise.")]
KeepData = Annotated[bool, typer.Option(envvar="KEEP", help="Keep volumes and databases at the end.")]
Name = Annotated[str | None, typer.Option(envvar="RUN_NAME", help="Name of the run's folder under .run.")]
Input = Annotated[Path | None, typer.Option("--input", envvar="INPUT", help="A folder of your own cases.")]
CtUnit = Annotated[str, typer.Option(envvar="CT_UNIT", help="Your CTs' values: auto, hu or display.")]
Model = Annotated[Path, typer.Option(envvar="LESION_MODEL", help="Bundle of your lesion model.")]
Scorer = Annotated[Path, typer.Option(envvar="SCORER", help="Bundle of your scorer.")]
Weights = Annotated[Path | None, typer.Option(envvar="LUNG_WEIGHTS", help="lungmask's weights (R231).")]
Pin = Annotated[str | None, typer.Option(envvar="LUNG_WEIGHTS_SHA256", help="Their sha256.")]


@app.command("setup")
def set_up() -> None:
    """Fetch Kafka's jars, Prometheus and Alertmanager."""
    _end(lambda: setup.set_up(console))


@app.command()
def run(
    hospitals: Hospitals = HOSPITALS,
    studies: Studies = STUDIES,
    log: Log = "kafka",
    demo_noise_seed: Seed = 1,
    keep_data: KeepData = False,
    name: Name = None,
    folder: Input = None,
    ct_unit: CtUnit = "auto",
    lesion_model: Model = DEMO_LESION_MODEL,
    scorer: Scorer = DEMO_SCORER,
    lung_weights: Weights = None,
    lung_weights_sha256: Pin = None,
) -> None:
    """Tell the story, or run your own cases (INPUT=FOLDER); ends by itself."""
    options = RunOptions(
        hospitals=hospitals,
        studies=studies,
        noise_seed=demo_noise_seed if folder is None else None,
        embedded=_embedded(log),
        keep_data=keep_data,
        name=name or None,
        lung_weights=lung_weights,
        lung_weights_sha256=lung_weights_sha256,
        ct_unit=ct_unit,
        policy=DEMO_POLICY if folder is None else SAFE_POLICY,
        lesion_model=lesion_model,
        scorer=scorer,
    )
    _end(lambda: run_cases(folder, options, console) if folder else run_story(options, console))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def up(context: typer.Context) -> None:
    """Start the stack, leave it running, and print its addresses. Takes the story's options as `run` does."""
    _end(lambda: up_down.up(context.args, console))


@app.command(hidden=True)
def hold(
    hospitals: Hospitals = HOSPITALS,
    studies: Studies = STUDIES,
    log: Log = "kafka",
    demo_noise_seed: Seed = 1,
    keep_data: KeepData = False,
    lesion_model: Model = DEMO_LESION_MODEL,
    scorer: Scorer = DEMO_SCORER,
    lung_weights: Weights = None,
    lung_weights_sha256: Pin = None,
) -> None:
    """What `up` leaves running."""
    options = RunOptions(
        hospitals=hospitals,
        studies=studies,
        noise_seed=demo_noise_seed,
        embedded=_embedded(log),
        keep_data=keep_data,
        lung_weights=lung_weights,
        lung_weights_sha256=lung_weights_sha256,
        lesion_model=lesion_model,
        scorer=scorer,
    )
    _end(lambda: up_down.hold(options, console))


@app.command()
def pictures(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = PICTURES,
    hospitals: Hospitals = HOSPITALS,
    studies: Studies = STUDIES,
    log: Log = "kafka",
    demo_noise_seed: Seed = 1,
    keep_data: KeepData = False,
    name: Name = None,
) -> None:
    """Tell the story, and draw every panel of every dashboard from it; pictures of a standing page too."""
    from deploy.local.run_pictures import run_pictures

    options = RunOptions(
        hospitals=hospitals,
        studies=studies,
        noise_seed=demo_noise_seed,
        embedded=_embedded(log),
        keep_data=keep_data,
        name=name or None,
    )
    _end(lambda: run_pictures(options, out, console))


@app.command()
def down() -> None:
    """End what `up` started."""
    _end(lambda: up_down.down(console))


def _embedded(log: str) -> bool:
    if log not in ("kafka", "embedded"):
        raise typer.BadParameter(f"LOG is kafka or embedded, not {log}")
    return log == "embedded"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(command: Callable[[], int]) -> NoReturn:
    """Run the command and end with its exit code: 130 where somebody ended it, 1 where it failed."""
    try:
        code = command()
    except KeyboardInterrupt:
        console.print("Ended; nothing is left running.")
        code = 130
    except (NotReady, SegwatchError, OSError) as error:
        console.print(str(error), style="bold red", soft_wrap=True)
        code = 1
    raise typer.Exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    app()
