"""`python -m research make|evidence`: a cohort of real predictions, and the page of evidence made from it."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.cli import run
from segwatch.terminal import new_console, say

app = typer.Typer(
    help="A cohort of real predictions, and docs/evidence.md made from it.",
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


if __name__ == "__main__":
    run(app)
