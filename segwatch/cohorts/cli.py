"""`segwatch cohort import`, `segwatch demo-cohort` and `segwatch measure`: what makes a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cohorts.measure_cli import measure

COHORT = "Table (.csv, .parquet) of case, patient, set, dice, features; or a folder (docs/evaluation.md)."
"""What `train` and `evaluate` say of their option --cohort."""


def register(app: typer.Typer) -> None:
    """Add the sub-command `cohort` with its commands."""
    cohort = typer.Typer(help="Make a cohort: cases, whose they are, and which set they are in.")
    cohort.callback(no_args_is_help=True)(_cohort)
    cohort.command("import")(import_cases)
    app.add_typer(cohort, name="cohort")
    app.command("demo-cohort")(demo_cohort)
    app.command("measure")(measure)


def _cohort() -> None:
    """Make a cohort: cases, whose they are, and which set they are in."""


def import_cases(
    layout: Annotated[str, typer.Argument(help="challenge, mosmed, in-house, jip or nnunet.")],
    source: Annotated[Path, typer.Option(help="Folder that is laid out so.")],
    out: Annotated[Path, typer.Option(help="Folder of cases to make.")],
    predictions: Annotated[
        Path | None, typer.Option(help="Folder with CASE.nii.gz: the masks to be judged.")
    ] = None,
    lungs: Annotated[Path | None, typer.Option(help="Folder with CASE.nii.gz: lung masks.")] = None,
    split: Annotated[
        Path | None, typer.Option(help="CSV with case, patient, set; else each case is a patient.")
    ] = None,
    set_name: Annotated[str, typer.Option("--set", help="The set of all cases, without --split.")] = "all",
) -> None:
    """Make a folder of cases from another layout, by links where the file system has them."""
    from segwatch.cohorts.arrange import arrange
    from segwatch.cohorts.layouts import sources
    from segwatch.cohorts.measuring import whose_of

    cases = sources(layout, source, predictions, lungs)
    arrange(cases, out, None if split is None else whose_of(split), set_name)
    without = sum(case.lung is None for case in cases)
    typer.echo(f"{out}: {len(cases)} cases" + (f", {without} without a lung mask" if without else ""))


def demo_cohort(
    out: Annotated[Path, typer.Option(help="Table to write (.parquet or .csv).")],
    model: Annotated[Path, typer.Option(help="The lesion model's bundle folder.")] = Path(
        "deploy/models/demo-lesion"
    ),
    patients: Annotated[int, typer.Option(min=10, help="How many phantoms.")] = 90,
    seed: Annotated[int, typer.Option(help="Seed of the first phantom; the others follow.")] = 2_000_000,
) -> None:
    """Make a cohort from phantoms: true Dice of the demo lesion model, and the measures of its masks."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from segwatch.cohorts.demo_cases import planned
    from segwatch.cohorts.demo_cohort import make_cohort
    from segwatch.segmentation.bundle import open_bundle
    from segwatch.segmentation.lesion import LesionModel

    cases = planned(patients, seed)
    predictor = LesionModel(open_bundle(model))
    with Progress(
        *Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()
    ) as progress:
        bar = progress.add_task("phantoms segmented and measured", total=len(cases))
        rows = make_cohort(cases, out, predictor, done=lambda: progress.advance(bar))
    typer.echo(f"{out}: {rows} rows")
