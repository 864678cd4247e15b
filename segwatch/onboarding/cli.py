"""`segwatch onboard`."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cohorts.cli import LungSha256, LungWeights


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("onboard")(onboard)


def onboard(
    raw: Annotated[Path, typer.Option(help="nnUNet_raw/DATASET: images and truths.")],
    out: Annotated[Path, typer.Option(help="Folder that the scorer's bundle is written to.")],
    results: Annotated[
        Path | None, typer.Option(help="nnUNet_results/DATASET/TRAINER__PLANS__CONFIGURATION, with fold_0 …")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Folder with CASE.nii.gz instead, each by a network that has not seen it."),
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="splits_final.json, where it is not where nnU-Net puts it.")
    ] = None,
    lesion_label: Annotated[
        list[str] | None, typer.Option(help="Which label is lesion, where there are several; again for more.")
    ] = None,
    patient_pattern: Annotated[
        str | None, typer.Option(help="Regular expression that finds the patient in a case's name.")
    ] = None,
    patients: Annotated[Path | None, typer.Option(help="CSV with case and patient, instead.")] = None,
    budget: Annotated[str, typer.Option(help="How long it may take: 2h, 90m.")] = "2h",
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be made and how long it takes, and end.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Changed and damaged masks of each case.")] = 15,
    lung: Annotated[
        str, typer.Option(help="Lung masks: own, lungmask, or a folder with CASE.nii.gz.")
    ] = "own",
    lung_weights: LungWeights = None,
    lung_weights_sha256: LungSha256 = None,
    ct_unit: Annotated[str, typer.Option(help="auto, hu, display (8-bit, mapped to HU).")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")] = "auto",
    mirroring: Annotated[
        bool, typer.Option(help="Predict mirrored copies too, as nnU-Net does: up to 8 times the time.")
    ] = True,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
    name: Annotated[str, typer.Option(help="The scorer's name; MODEL-FEATURES where empty.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of whatever is drawn.")] = 0,
) -> None:
    """Make a scorer for one's own nnU-Net from its cross-validation, with its evidence.

    Checkpoints are pickles: loading one runs what it holds, so they must come from those who trained it.
    A run that is stopped goes on where it was.
    """
    from segwatch.onboarding.asked import Asked, checked

    asked = Asked(
        raw=raw,
        results=results,
        predictions=predictions,
        splits=splits,
        out=out,
        name=name,
        labels=tuple(lesion_label or ()),
        patient_pattern=patient_pattern,
        patients=patients,
        budget=budget,
        rounds=rounds,
        lung=lung,
        lung_weights=lung_weights,
        lung_weights_sha256=lung_weights_sha256,
        ct_unit=ct_unit,
        device=device,
        mirroring=mirroring,
        workers=workers,
        seed=seed,
    )
    found = checked(asked)
    from segwatch.onboarding.command import onboard as run  # only now: scikit-learn takes seconds

    run(asked, found, plan_only=plan)
