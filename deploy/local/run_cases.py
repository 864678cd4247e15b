"""`make run INPUT=FOLDER`: one hospital, the user's own cases, and a table of what each of them got."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.judge.check import check_books
from deploy.local.judge.drive import drive
from deploy.local.judge.figures import figures_of, in_order
from deploy.local.judge.status import HospitalStatus, RunStatus
from deploy.local.judge.truth import truth_of_cases
from deploy.local.machine.run_folders import new_run, tidy
from deploy.local.show.progress import ProgressTable
from deploy.local.show.report import RunFigures, print_verdict, write_report
from deploy.local.stack.options import RunOptions, choose_log
from deploy.local.stack.stack import Stack
from deploy.local.story.cases import CasesFound, find_cases, hand_over
from deploy.local.story.story import site_names
from segwatch.contracts.studies import StudyScored

STRANGERS_SHOWN = 20
PAPER4 = {
    "connected_components": "parts",
    "intensity_mode": "mode, HU",
    "segmentation_smoothness": "smooth",
    "lesions_within_lungs": "in lungs",
}
"""The paper's four features, and their headings."""


@dataclass(frozen=True)
class CaseRow:
    """What became of one case. `score` is None where it got none; then `why` says so."""

    case: str
    outcome: str
    score: StudyScored | None
    true: float | None
    why: str


def run_cases(folder: Path, options: RunOptions, console: Console) -> int:
    """Run the cases of a folder through one hospital; 0 where every one came to its end.

    Raises:
        NotADirectoryError: there is no such folder. NotReady: something did not come up.
    """
    found = find_cases(folder)
    _say_found(folder, found, console)
    if not found.cases:
        console.print(
            "Nothing to do: a case is a folder with ct.nii.gz (.nii, .nrrd, .mha), or a DICOM series."
        )
        return 1
    run = new_run(options.name)
    say = partial(console.print, soft_wrap=True)
    say(f"run folder: {run}")
    embedded = choose_log(options.embedded, say)
    (site,) = site_names(1)
    begun = time.monotonic()
    try:
        settings = {site: options.site_settings()}
        with Stack(run, settings, embedded=embedded, hospital_prometheus=False, say=say) as stack:
            wrong, status = _play(stack, found, console)
        figures = RunFigures(
            started=status.started,
            seconds=time.monotonic() - begun,
            log="embedded" if embedded else "kafka",
            peak_memory=status.peak_memory,
            notes=_notes(status.sites[site]),
            problems=wrong,
        )
        return _report(run, figures, status.sites[site], console)
    finally:
        if not options.keep_data:
            tidy(run)


def rows_of(site: HospitalStatus) -> list[CaseRow]:
    """One row a case, by name."""
    letters = {letter.study: letter for letter in site.view.dead}
    rows = []
    for case, receipt in sorted(site.receipts.items()):
        score = site.view.scored.get(receipt.study or "")
        letter = letters.get(receipt.study or case)
        why = "; ".join(score.reasons) if score else ""
        if score is None:
            why = letter.reason if letter else receipt.reason or ""
        status = score.status if score else (letter.kind if letter else receipt.kind or receipt.outcome)
        rows.append(CaseRow(case, status, score, site.dice.get(receipt.study or ""), why))
    return rows


def table_of_cases(rows: list[CaseRow]) -> Table:
    """Predicted beside true Dice, the paper's four features, status and reasons."""
    table = Table(title="What each case got", title_justify="left")
    for heading in ("case", "status", "predicted Dice", "true", *PAPER4.values(), "attention"):
        table.add_column(heading, no_wrap=True)
    table.add_column("reasons", overflow="fold")
    for row in rows:
        table.add_row(row.case, row.outcome, *_predicted(row), *_features(row.score), _first(row.why))
    return table


def _play(stack: Stack, found: CasesFound, console: Console) -> tuple[list[str], RunStatus]:
    (hospital,) = stack.hospitals
    names = {hospital.name: sorted(found.cases)}
    with (
        RunStatus(stack, {hospital.name: truth_of_cases(found.truths)}) as status,
        ProgressTable(console, {hospital.name: len(found.cases)}) as table,
    ):
        for name in names[hospital.name]:
            hand_over(name, found.cases[name], hospital.inbox)
        wrong = drive(status, table.show, names)
    return [*wrong, *check_books(status, names, partial(console.print, soft_wrap=True))], status


def _report(run: Path, figures: RunFigures, site: HospitalStatus, console: Console) -> int:
    row = figures_of(site, len(site.receipts), None)
    rows = rows_of(site)
    write_report(run, figures, {site.name: (in_order(site), row)}, cases=[_plain(each) for each in rows])
    console.print(table_of_cases(rows))
    for note in figures.notes:
        console.print(note, soft_wrap=True)
    console.print(f"{figures.seconds:.0f} s; summary: {run / 'summary.json'}", soft_wrap=True)
    return print_verdict(figures.problems, console)


def _first(why: str) -> str:
    """The first reason; summary.json has all."""
    first, *others = why.split("; ")
    return f"{first} (and {len(others)} more)" if others else first


def _plain(row: CaseRow) -> dict[str, object]:
    """A row in JSON's types. Scores bear pseudonyms, which stay out of it."""
    score = row.score
    return {
        "case": row.case,
        "status": row.outcome,
        "predicted_dice": score.predicted_dice if score else None,
        "interval": score.interval if score else None,
        "true_dice": row.true,
        "features": score.features if score else {},
        "needs_attention": score.needs_attention if score else None,
        "reasons": row.why,
    }


def _notes(site: HospitalStatus) -> list[str]:
    notes = list(site.remarks)
    counted, policy = len(site.view.scored), site.view.policy
    if policy is not None and counted < policy.pulse_studies:
        notes.append(
            f"{counted} studies are too few for a pulse, which holds {policy.pulse_studies}: nothing but"
            " heartbeats has left the hospital."
        )
    return notes


def _say_found(folder: Path, found: CasesFound, console: Console) -> None:
    console.print(
        f"{folder}: {len(found.cases)} cases, {len(found.truths)} of them with truth", soft_wrap=True
    )
    for stranger in found.strangers[:STRANGERS_SHOWN]:
        console.print(f"not recognised, left alone: {stranger}", soft_wrap=True)
    if len(found.strangers) > STRANGERS_SHOWN:
        console.print(f"… and {len(found.strangers) - STRANGERS_SHOWN} more that are not recognised")


def _predicted(row: CaseRow) -> tuple[str, str]:
    true = "–" if row.true is None else f"{row.true:.2f}"
    if row.score is None or row.score.predicted_dice is None:
        return "–", true
    interval = row.score.interval
    within = f" ({interval[0]:.2f}–{interval[1]:.2f})" if interval else ""
    return f"{row.score.predicted_dice:.2f}{within}", true


def _features(score: StudyScored | None) -> list[str]:
    if score is None:
        return ["–"] * (len(PAPER4) + 1)
    values = [score.features.get(name) for name in PAPER4]
    attention = "yes" if score.needs_attention else "no"
    return [*("–" if value is None else f"{value:.4g}" for value in values), attention]
