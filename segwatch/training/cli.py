"""`segwatch train`, `segwatch calibrate` and `segwatch review`."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cohorts.cli import COHORT, Lung, Opinion

DISPLAY = "Trained on CT in 8-bit display values that were mapped to HU."


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("train")(train)
    app.command("calibrate")(calibrate)
    review = typer.Typer(help="Reviews of a site's studies: what `calibrate` reads.", no_args_is_help=True)
    review.command("sample")(sample)
    app.add_typer(review, name="review")


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
    opinion: Opinion = None,
) -> None:
    """Train a scorer on the set `train`, write its bundle, and report every set with intervals."""
    from rich.console import Console

    from segwatch.cohorts.opening import opened_for_training
    from segwatch.cohorts.table import read_cohort, stacked
    from segwatch.errors import RefusedCohort
    from segwatch.training.feature_sets import feature_set
    from segwatch.training.judge import judge_all
    from segwatch.training.report import burden_words, opinion_words, paging_words, report, tables
    from segwatch.training.save import save_trained
    from segwatch.training.site_interval import read_site
    from segwatch.training.train import Choices, calibrating
    from segwatch.training.train import train as train_scorer

    console = Console()
    names = [path.stem for path in (cohort, *(also or ()))]
    if len(set(names)) < len(names):
        raise RefusedCohort(f"--cohort and --also must differ in their files' names, not {', '.join(names)}")
    there = None if site is None else read_site(site, feature_set(features))
    first = opened_for_training(cohort, feature_set(features).features, ct_unit, lung, out, opinion)
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
    identity = save_trained(out, trained, rows)
    console.print(*tables(rows, identity.name))
    said = (paging_words(trained.manifest), burden_words(trained.second), opinion_words(trained.manifest))
    for words in filter(None, said):
        console.print(words, markup=False)
    console.print(f"{out}: scorer {identity.name}, sha256 {identity.sha256}")


def calibrate(
    bundle: Annotated[Path, typer.Option(help="The fleet's bundle.")],
    reviews: Annotated[
        Path, typer.Option(help="A line a study: case, review (good, acceptable, failed, or its Dice).")
    ],
    out: Annotated[Path, typer.Option(help="Folder that the site's bundle is written to.")],
    studies: Annotated[
        Path | None,
        typer.Option(help="Measures of the studies that those were chosen from; else the reviews' own."),
    ] = None,
    name: Annotated[
        str, typer.Option(help="The site's scorer's name; the fleet's and -site where empty.")
    ] = "",
    target_sensitivity: Annotated[
        float | None,
        typer.Option(min=0.01, max=1, help="Share of the failures that the threshold must find."),
    ] = None,
    cost_of_a_miss: Annotated[
        float | None, typer.Option(min=0.01, help="In false alarms: the cheapest threshold instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the resampled patients.")] = 0,
) -> None:
    """Fit a fleet's scorer to a site from 10 to 30 reviewed studies, and say what it is worth there.

    The threshold is chosen anew, and the site's failure rate is told with its interval. Where the reviews say
    Dice, the predicted Dice is corrected if that surely gains.
    """
    from segwatch.training.calibrate_command import calibrate_bundle
    from segwatch.training.site_threshold import Criterion

    chosen = target_sensitivity is not None or cost_of_a_miss is not None
    calibrate_bundle(
        bundle,
        reviews,
        studies,
        out,
        name=name or None,
        criterion=Criterion(target_sensitivity, cost_of_a_miss) if chosen else None,
        seed=seed,
    )


def sample(
    scorer: Annotated[Path, typer.Option(help="The bundle whose flags sort the studies.")],
    out: Annotated[Path, typer.Option(help="New folder for sheet.csv and studies.csv.")],
    studies: Annotated[
        Path | None,
        typer.Option(help="Measures of the studies; else the last of the hospital's log (SEGWATCH_...)."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Of how many studies of the log.")] = 100,
    number: Annotated[int, typer.Option(min=1, help="How many to review.")] = 15,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
) -> None:
    """Choose studies to review, by chance and stratified by flag, and write a sheet for the reviewer."""
    from segwatch.training.review_command import sample_reviews

    sample_reviews(scorer, studies, last, number, seed, out)
