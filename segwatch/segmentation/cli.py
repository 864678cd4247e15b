"""`segwatch demo-model` trains the small model for phantoms; `segwatch bundle` pins a hospital's, and
`segwatch install-model` takes a pinned one in."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from segwatch.errors import BadInput
from segwatch.terminal import new_console, say


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("demo-model")(demo_model)
    app.command("bundle")(bundle)
    app.command("install-model")(install_model)


def demo_model(
    out: Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    phantoms: Annotated[int, typer.Option(min=6, help="How many to train on.")] = 24,
    threads: Annotated[int, typer.Option(min=1, help="Of torch.")] = 2,
) -> None:
    """Train a small nnU-Net on phantoms: about six minutes on two cores. It must never see a patient."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from segwatch.segmentation.demo_model import train_demo_model

    if out.exists():
        raise BadInput(f"{out} exists already: choose another --out")
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=new_console(stderr=True)) as bars:
        tasks = {name: bars.add_task(name, total=None) for name in ("phantoms", "planning", "training")}
        digest = train_demo_model(
            out,
            seed=seed,
            phantoms=phantoms,
            threads=threads,
            progress=lambda step, done, total: bars.update(tasks[step], completed=done, total=total),
        )
    say(f"{out}: {digest}")


def bundle(
    trained: Annotated[Path, typer.Option("--from", help="nnU-Net's folder with plans.json and fold_*.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle; must not exist.")],
    name: Annotated[str, typer.Option(help="The model's name.")],
    lesion_label: Annotated[
        str, typer.Option(help="Which label is lesion: a name in dataset.json, a number, or any.")
    ] = "",
    axes: Annotated[
        str, typer.Option(help="Where x, y, z ran to in the training files, as RAS; LPS where empty.")
    ] = "",
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
    from segwatch.volumes.labels import LesionLabel

    digest = bundle_of(
        trained,
        out,
        name,
        label=LesionLabel(lesion_label),
        axes=axes,
        ensemble=asked_ensemble(ensemble),
        calibrate=calibrate,
    )
    say(digest)


def install_model(
    into: Annotated[Path, typer.Argument(help="The new folder, as in /models/lesion-2.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The bundle's folder; where not given, a tar on standard input."),
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The pin that must come of it.")] = None,
) -> None:
    """Take a model's bundle in, verified file by file, and show what lies beside it. Needs no torch."""
    from segwatch.segmentation.installing import from_folder, from_tar, install, lying_in

    install(from_tar(sys.stdin.buffer) if source is None else from_folder(source), into, sha256)
    for name, what in lying_in(into.parent):
        say(f"{into.parent / name}: {what}")
