"""`segwatch score`, once it is called: scores a folder of cases, prints them and writes their table."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from segwatch.cohorts.lungs import Lungs
from segwatch.cohorts.measure_command import readable_and_writable
from segwatch.cohorts.measuring import Row, asked_unit
from segwatch.cohorts.opinions import AskedOpinion
from segwatch.cohorts.scores import COLUMNS, CaseScore, cases_in, how_to_score, score_cases
from segwatch.cohorts.write_table import check_suffix, table_of, write_table
from segwatch.errors import BadInput
from segwatch.scoring.bundle import load

SHARE_ERROR = "lung share's error"
"""In percentage points, truth less mask."""
WITHOUT_LUNG = "no_lung"
"""What a feature's reason begins with where there is no lung mask."""


def score_folder(
    folder: Path,
    bundle: Path,
    *,
    lungs: Lungs,
    opinion: AskedOpinion,
    ct_unit: str,
    workers: int,
    out: Path | None,
    pictures: Path | None,
) -> None:
    """Score the cases, print them, and write table and pictures.

    Raises:
        BadInput: what was given is not what it must be, or no case has a predicted Dice.
        RefusedModel: the bundle cannot be loaded.
    """
    unit = asked_unit(ct_unit)
    if out is not None:
        check_suffix(out)
    with readable_and_writable():
        cases = cases_in(folder)
        scorer = load(bundle)
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
        scores = score_cases(cases, how_to_score(scorer, unit, lungs, opinion, pictures), scorer, workers)
        if out is not None:
            write_table(out, table_of([each.row for each in scores], COLUMNS))
    show(scores, Console(), out)
    if all(each.score is None or each.score.predicted_dice is None for each in scores):
        raise BadInput(f"no case could be scored{_hint(scores)}")


def show(scores: Sequence[CaseScore], console: Console, out: Path | None) -> None:
    """Print a line a case, and why the flagged ones are: of several cases the first reason each."""
    has_share = any(each.row["lung_share_error"] is not None for each in scores)
    columns = ("case", "status", "Dice", "interval", "failed", "look", "lung", *[SHARE_ERROR] * has_share)
    table = Table(*columns, box=None, pad_edge=False)
    for each in scores:
        row = each.row
        interval = (
            "" if row["interval_low"] is None else f"{row['interval_low']:.2f} to {row['interval_high']:.2f}"
        )
        dice, failure = (_two(row[name]) for name in ("predicted_dice", "failure_probability"))
        look = "yes" if each.flagged else ""
        share = [_share_error(row)] * has_share
        table.add_row(each.case, each.status, dice, interval, failure, look, each.lung, *share)
    console.print(table)
    for each in scores:
        shown = each.reasons if len(scores) == 1 else each.reasons[:1]
        more = f" (and {len(each.reasons) - 1} more)" if len(each.reasons) > len(shown) else ""
        for reason in shown:
            console.print(f"{each.case}: {reason}{more}", markup=False, highlight=False)
    flagged = sum(each.flagged for each in scores)
    alone = sum(each.score is not None and each.score.second_opinion == "absent" for each in scores)
    if alone:
        console.print(
            f"{alone} of {len(scores)} have no second opinion, which this scorer reads: --opinion",
            markup=False,
        )
    written = "" if out is None else f"; all reasons are in {out}"
    console.print(f"{flagged} of {len(scores)} need a look{written}", markup=False, soft_wrap=True)


def _hint(scores: Sequence[CaseScore]) -> str:
    lacking = all(any(WITHOUT_LUNG in reason for reason in each.reasons) for each in scores)
    return ": there is no lung mask; --lung own makes one" if lacking else ""


def _share_error(row: Row) -> str:
    if row["lung_share_error"] is None:
        return ""
    low, high = row["lung_share_error_low"], row["lung_share_error_high"]
    return f"{row['lung_share_error']:+.1f} ({low:+.1f} to {high:+.1f})"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
