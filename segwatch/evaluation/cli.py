"""`segwatch evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cohorts.cli import COHORT, LesionLabelOption, Lung


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    cohort: Annotated[Path, typer.Option(help=COHORT)],
    out: Annotated[Path, typer.Option(help="Folder for report.html, report.json and the pictures.")],
    models: Annotated[
        str | None, typer.Option(help="Models to fit on `train`, with commas between; the paper's five.")
    ] = None,
    bundle: Annotated[
        list[Path] | None, typer.Option(help="A trained scorer, judged as it is served; may be given again.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="A named set of features, or names with commas between.")
    ] = "paper4",
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Retrainings of each model in each of two ways; the paper has 10000.")
    ] = 200,
    leave_patient_out: Annotated[
        bool,
        typer.Option("--leave-patient-out", help="Judge each patient by a model fitted without them."),
    ] = False,
    ablate: Annotated[
        list[str] | None,
        typer.Option(help="Features to leave out together, with commas between; may be given again."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the models and of every draw.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
    ct_unit: Annotated[str, typer.Option(help="Of a folder's CTs: auto, hu or display (8-bit).")] = "auto",
    lung: Lung = None,
    lesion_label: LesionLabelOption = "",
) -> None:
    """Report how good models or bundles are on every set, with intervals, constants and pictures.

    A run that is stopped goes on where it was. The figures do not depend on the number of processes.
    """
    from segwatch.evaluation.command import EvaluateArguments, evaluate_and_report

    evaluate_and_report(
        cohort,
        out,
        EvaluateArguments(
            models=models,
            bundles=tuple(bundle or ()),
            features=features,
            replicates=bootstrap,
            leave_patient_out=leave_patient_out,
            without=tuple(ablate or ()),
            seed=seed,
            workers=workers,
            ct_unit=ct_unit,
            lung=lung,
            lesion_label=lesion_label,
        ),
    )
