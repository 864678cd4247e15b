"""`segwatch train` and `segwatch calibrate`."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cohorts.cli import COHORT, LesionLabelOption, Lung

DISPLAY = "Trained on CT in 8-bit display values that were mapped to HU."


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("train")(train)
    app.command("calibrate")(calibrate)


def train(
    cohort: Annotated[Path, typer.Option(help=COHORT)],
    out: Annotated[Path, typer.Option(help="Folder that the bundle is written to.")],
    model: Annotated[
        str, typer.Option(help="The paper's lr, svm, rr, svr, mlp; or ordinal, trees, boost.")
    ] = "lr",
    features: Annotated[str, typer.Option(help="A named set, or features with commas between.")] = "paper4",
    name: Annotated[str, typer.Option(help="The scorer's name; MODEL-FEATURES where empty.")] = "",
    limit: Annotated[list[str] | None, typer.Option(help="A limit to state; may be given again.")] = None,
    also: Annotated[
        list[Path] | None, typer.Option(help="The same cohort measured otherwise; may be given again.")
    ] = None,
    calibration: Annotated[
        str, typer.Option(help="auto, platt, isotonic, or residuals (regressors only).")
    ] = "auto",
    target_sensitivity: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the failures that the threshold must find.")
    ] = 0.9,
    cost_of_a_miss: Annotated[
        float | None, typer.Option(min=0.01, help="In false alarms: the cheapest threshold instead.")
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(help="Measures of a site's studies (no Dice): the interval is weighted to that site."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of whatever the model draws.")] = 0,
    ct_unit: Annotated[str, typer.Option(help="Of a folder's CTs: auto, hu or display (8-bit).")] = "auto",
    lung: Lung = None,
    lesion_label: LesionLabelOption = "",
) -> None:
    """Train a scorer on the set `train`, write its bundle, and report every set with intervals."""
    from rich.console import Console

    from segwatch.cohorts.opening import opened_for_training
    from segwatch.cohorts.table import read_cohort, stacked
    from segwatch.errors import RefusedCohort
    from segwatch.scoring.bundle import save
    from segwatch.training.feature_sets import feature_set
    from segwatch.training.judge import judge_all
    from segwatch.training.report import model_card, paging_words, report, tables
    from segwatch.training.site_interval import read_site
    from segwatch.training.train import Choices, calibrating
    from segwatch.training.train import train as train_scorer

    console = Console()
    names = [path.stem for path in (cohort, *(also or ()))]
    if len(set(names)) < len(names):
        raise RefusedCohort(f"--cohort and --also must differ in their files' names, not {', '.join(names)}")
    there = None if site is None else read_site(site, feature_set(features))
    first = opened_for_training(cohort, feature_set(features).features, ct_unit, lung, lesion_label, out)
    table = stacked({cohort.stem: first, **{path.stem: read_cohort(path) for path in also or ()}})
    choices = Choices(calibrating(calibration), target_sensitivity, cost_of_a_miss)
    with console.status("fitting, and calibrating on patients held out"):
        trained = train_scorer(
            table,
            model,
            features,
            name=name or None,
            seed=seed,
            limits=(*(limit or ()), *([DISPLAY] if ct_unit == "display" else [])),
            choices=choices,
            site=there,
        )
        rows = report(judge_all(trained, table))
    identity = save(out, trained.skops, trained.manifest, model_card(trained.manifest, rows))
    console.print(*tables(rows, identity.name))
    console.print(paging_words(trained.manifest), markup=False)
    console.print(f"{out}: scorer {identity.name}, sha256 {identity.sha256}")


def calibrate(
    bundle: Annotated[Path, typer.Option(help="The fleet's bundle.")],
    reviews: Annotated[Path, typer.Option(help="Reviewed studies: case, patient, set, dice, features.")],
    out: Annotated[Path, typer.Option(help="Folder that the site's bundle is written to.")],
    name: Annotated[
        str, typer.Option(help="The site's scorer's name; the fleet's and -site where empty.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the resampled patients.")] = 0,
) -> None:
    """Adapt a fleet's scorer to a site from 10 to 30 reviewed studies, where that surely gains.

    Exit code 2, and no bundle, where it does not.
    """
    from segwatch.cohorts.table import read_cohort
    from segwatch.scoring.bundle import load, save
    from segwatch.scoring.manifest import CARD_FILE, MODEL_FILE
    from segwatch.training.adapt import adapt, gains_of
    from segwatch.training.report import adapted_card

    scorer = load(bundle)
    adapted = adapt(scorer, read_cohort(reviews), name=name or None, seed=seed)
    card = adapted_card(adapted.manifest, (bundle / CARD_FILE).read_text(encoding="utf-8"))
    identity = save(out, (bundle / MODEL_FILE).read_bytes(), adapted.manifest, card)
    typer.echo(gains_of(adapted.tried))
    typer.echo(f"{out}: taken: {adapted.taken}; scorer {identity.name}, sha256 {identity.sha256}")
