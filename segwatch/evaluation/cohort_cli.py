"""`segwatch cohort …`: what makes a cohort. Each command is registered by one line in `register`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the sub-command `cohort` with its commands."""
    cohort = typer.Typer(help="Make a cohort: cases, whose they are, and which set they are in.")
    cohort.callback(no_args_is_help=True)(_cohort)
    cohort.command("import")(import_cases)
    cohort.command("make")(make)
    cohort.command("evidence")(evidence)
    app.add_typer(cohort, name="cohort")


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
    from segwatch.evaluation.arrange import arrange, read_whose
    from segwatch.evaluation.layouts import sources

    cases = sources(layout, source, predictions, lungs)
    arrange(cases, out, None if split is None else read_whose(split), set_name)
    without = sum(case.lung is None for case in cases)
    typer.echo(f"{out}: {len(cases)} cases" + (f", {without} without a lung mask" if without else ""))


def make(
    source: Annotated[
        Path, typer.Option(help="The folder with index.csv and cases/, as shared/data/covid20.")
    ],
    out: Annotated[Path, typer.Option(help="The folder that the tables are written to.")],
    each: Annotated[
        int, typer.Option(min=1, help="Predictions of a scan; a third as many by the slow network.")
    ] = 24,
    steps: Annotated[float, typer.Option(min=0.01, help="Factor on the steps of training.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the patients' split and of what is drawn.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core. Same tables.")] = 0,
) -> None:
    """Make a cohort of real predictions: small networks trained in folds by patient, and what fails them."""
    from research.covid20_cohort.command import make as make_tables

    for name, rows in make_tables(source, out, each=each, steps=steps, seed=seed, workers=workers).items():
        typer.echo(f"{out / name}.parquet: {rows} rows")


def evidence(
    folder: Annotated[Path, typer.Option(help="The folder that `segwatch cohort make` wrote.")],
    out: Annotated[
        Path, typer.Option(help="The page to write; its pictures go to images/ beside it.")
    ] = Path("docs/evidence.md"),
) -> None:
    """Write the evidence: every scorer with each patient left out, ablations, other segmenters, goals."""
    from rich.console import Console

    from research.evidence.evidence import write_evidence
    from research.evidence.tables import read_tables

    console = Console(stderr=True)
    tables = read_tables(folder)
    with console.status("scoring each patient by scorers that never saw them"):
        goals = write_evidence(
            tables, out, folder / ".work", step=lambda done: console.print(f"done: {done}")
        )
    typer.echo(f"{out}: {sum(goal.met for goal in goals)} of {len(goals)} goals met")
