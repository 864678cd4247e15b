"""`segwatch demo-model` trains the small model for phantoms; `segwatch bundle` pins a hospital's."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("demo-model")(demo_model)
    app.command("bundle")(bundle)


def demo_model(
    out: Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    phantoms: Annotated[int, typer.Option(min=6, help="How many to train on.")] = 24,
    threads: Annotated[int, typer.Option(min=1, help="Of torch.")] = 2,
) -> None:
    """Train a small nnU-Net on phantoms: about six minutes on two cores. It must never see a patient."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from segwatch.segmentation.demo_model import train_demo_model

    if out.exists():
        raise BadInput(f"{out} exists already: choose another --out")
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {name: bars.add_task(name, total=None) for name in ("phantoms", "planning", "training")}
        digest = train_demo_model(
            out,
            seed=seed,
            phantoms=phantoms,
            threads=threads,
            progress=lambda step, done, total: bars.update(tasks[step], completed=done, total=total),
        )
    typer.echo(f"{out}: {digest}")


def bundle(
    trained: Annotated[Path, typer.Option("--from", help="nnU-Net's folder with plans.json and fold_*.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    ensemble: Annotated[
        str, typer.Option(help="What several checkpoints differ in: folds or seeds; folds where empty.")
    ] = "",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="Cases that the model has not seen (ct.nii.gz, lesion_truth.nii.gz): its temperature."
        ),
    ] = None,
) -> None:
    """Make a pinned bundle of a model that nnU-Net trained, and print its sha256."""
    from segwatch.segmentation.bundling import asked_ensemble, bundle_of

    typer.echo(bundle_of(trained, out, name, ensemble=asked_ensemble(ensemble), calibrate=calibrate))
