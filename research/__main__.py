"""`python -m research make|evidence|shipped|opinion…`: a cohort, its evidence, and a second opinion."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cli import run
from segwatch.terminal import new_console, say

app = typer.Typer(
    help="A cohort of real predictions, docs/evidence.md made from it, and a second opinion.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
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
        say(f"{out / name}.parquet: {rows} rows")


@app.command()
def evidence(
    folder: Annotated[Path, typer.Option(help="The folder that `python -m research make` wrote.")],
    out: Annotated[
        Path, typer.Option(help="The page to write; its pictures go to images/ beside it.")
    ] = Path("docs/evidence.md"),
) -> None:
    """Write the evidence: every scorer with each patient left out, ablations, other segmenters, goals."""

    from research.evidence.evidence import write_evidence
    from research.evidence.tables import read_tables

    console = new_console(stderr=True)
    tables = read_tables(folder)
    with console.status("scoring each patient by scorers that never saw them"):
        goals = write_evidence(
            tables, out, folder / ".work", step=lambda done: console.print(f"done: {done}")
        )
    say(f"{out}: {sum(goal.met for goal in goals)} of {len(goals)} goals met")


@app.command()
def shipped(
    folder: Annotated[Path, typer.Option(help="The folder that `python -m research make` wrote.")],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("docs/evidence-shipped.md"),
) -> None:
    """Write the evidence of the shipped scorer: truths as masks and good masks of patients left out too."""
    from research.evidence.shipped_page import write_shipped
    from research.evidence.tables import read_shipped_rows

    with new_console(stderr=True).status("scoring each patient by scorers that never saw them"):
        goals = write_shipped(read_shipped_rows(folder), out, folder / ".work")
    say(f"{out}: {sum(goal.met for goal in goals)} of {len(goals)} goals met")


@app.command()
def opinion(
    source: Annotated[Path, typer.Option(help="The folder with index.csv and cases/.")],
    out: Annotated[Path, typer.Option(help="The folder for the bundle and what is known of it.")],
) -> None:
    """Train a second opinion: networks that leave patients out, and one of all, as a bundle."""
    from research.second_opinion.command import BUNDLE, make_opinion

    found = make_opinion(source, out)
    say(
        f"{out / BUNDLE}: Dice {found.plain:.2f} plain, {found.changed_mean:.2f} under changes that were not "
        f"learnt from, on {found.patients} patients left out"
    )


@app.command("opinion-curve")
def opinion_curve(
    source: Annotated[Path, typer.Option(help="The folder with index.csv and cases/.")],
    out: Annotated[Path, typer.Option(help="The folder that `python -m research opinion` wrote.")],
    cohort: Annotated[Path, typer.Option(help="The folder that `python -m research make` wrote.")],
    every: Annotated[int, typer.Option(min=1, help="One mask in so many is asked about.")] = 5,
    each: Annotated[int, typer.Option(min=1, help="As the cohort was made.")] = 24,
    seed: Annotated[int, typer.Option(help="As the cohort was made.")] = 0,
) -> None:
    """Show what an opinion of which Dice is worth to a scorer, on patients left out."""
    from research.second_opinion.command import make_curve

    report = out / "curve.md"
    make_curve(source, out, cohort, every=every, each=each, seed=seed, report=report)
    say(report.read_text(encoding="utf-8"))


@app.command("opinion-probabilities")
def opinion_probabilities(
    source: Annotated[Path, typer.Option(help="The folder with index.csv and cases/.")],
    out: Annotated[Path, typer.Option(help="The folder that `python -m research opinion` wrote.")],
) -> None:
    """Say which figures of a network's own probabilities earn their place, on patients left out."""
    from research.second_opinion.command import make_probabilities

    report = out / "probabilities.md"
    make_probabilities(source, out, report)
    say(report.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(app)
