"""The report as one HTML file that needs nothing beside itself: tables, pictures, and what the words mean."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from segwatch.cohorts.columns import TRAIN
from segwatch.contracts.base import Contract
from segwatch.evaluation.entries import ConstantEntry, ModelEntry, Report, SetEntry
from segwatch.evaluation.report.burden_section import burden_section
from segwatch.evaluation.report.html import html
from segwatch.evaluation.report.page_words import INTERVAL_NOTE, LIMITS, STYLE, WORDS
from segwatch.evaluation.report.rivals_section import rivals_section
from segwatch.markup import bullets, note, table
from segwatch.statistics.set_figures import (
    BESIDE_TABLE2,
    COLUMNS,
    RANKING,
    TABLE2,
    Cell,
    cell,
    rounded,
)

SETS_A_TABLE = 3
"""So many sets stand side by side on a screen and on paper; others in a table beneath."""

Columns = Mapping[str, Callable[[SetEntry], Cell]]
Models = Mapping[str, ModelEntry | ConstantEntry]


def _interval(name: str) -> Callable[[SetEntry], Cell]:
    return lambda entry: _cell(entry.interval, name)


def _weighted(name: str) -> Callable[[SetEntry], Cell]:
    return lambda entry: _cell(None if entry.interval is None else entry.interval.weighted, name)


def _cell(entry: Contract | None, name: str) -> Cell:
    return Cell("–") if entry is None else cell(entry, name)


def _weighted_rows(entry: SetEntry) -> Cell:
    weighted = None if entry.interval is None else entry.interval.weighted
    return Cell("–" if weighted is None else rounded(weighted.effective, 0))


def _bootstrap(name: str) -> Callable[[SetEntry], Cell]:
    return lambda entry: Cell("", getattr(entry, f"{name}_bootstrap_ci"))


BESIDE: Columns = {
    **{name: COLUMNS[name] for name in ("n", "patients", *BESIDE_TABLE2, "bias", "MAE, authors' code")},
    "mean risk": lambda entry: Cell(rounded(entry.risk_coverage.aurc, 2)),
}
RANKS: Columns = {name: COLUMNS[name] for name in ("n", *RANKING)}
BOOTSTRAP: Columns = {
    "sensitivity": _bootstrap("sensitivity"),
    "bin specificity (micro)": _bootstrap("bin_specificity_micro"),
    "binary specificity": _bootstrap("binary_specificity"),
    "AUROC": _bootstrap("auroc"),
    "MAE": _bootstrap("mae"),
}
INTERVALS: Columns = {
    "n": lambda entry: Cell("–" if entry.interval is None else str(entry.interval.n)),
    "outside": _interval("outside"),
    "half-width": _interval("half_width"),
    "covered": _interval("covered"),
    "worst patient": _interval("worst_patient"),
    "weighted: rows": _weighted_rows,
    "half-width, weighted": _weighted("half_width"),
    "covered, weighted": _weighted("covered"),
    "worst patient, weighted": _weighted("worst_patient"),
}


Section = tuple[str, Sequence[str]]
"""A title, and sentences under it."""


def page(
    report: Report,
    pictures: Sequence[tuple[str, str]],
    folder: Path,
    notes: Sequence[str],
    sections: Sequence[Section] = (),
) -> str:
    """The HTML.

    Args:
        report: what `report.json` holds.
        pictures: file names in `folder` and titles; they are put into the page.
        notes: sentences about what is not in it, and why.
        sections: what stands before all tables.
    """
    body = "".join(_body(report, pictures, folder, notes, sections))
    title = "Evaluation of scorers"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _body(
    report: Report,
    pictures: Sequence[tuple[str, str]],
    folder: Path,
    notes: Sequence[str],
    sections: Sequence[Section],
) -> Iterator[str]:
    models: Models = {**report.models, **{each.title: each for each in report.constants.values()}}
    yield "<h1>Evaluation of scorers</h1>"
    yield bullets(_about(report))
    for title, sentences in sections:
        yield f"<h2>{escape(title)}</h2>" + bullets(map(escape, sentences))
    yield "<h2>Table 2, in the paper's form</h2>"
    for names in _side_by_side(report):
        yield _by_set(report, names, models, {name: COLUMNS[name] for name in TABLE2})
    yield note(_intervals(report))
    yield "<h2>Beside Table 2</h2>"
    yield _long(report, models, BESIDE)
    yield "<h2>How predicted Dice follows and orders the true</h2>"
    yield _long(report, models, RANKS)
    yield from rivals_section(report)
    yield from burden_section(report)
    yield "<h2>Intervals of the predicted Dice</h2>"
    yield _long(report, _with_intervals(report.models), INTERVALS)
    yield note(escape(INTERVAL_NOTE))
    if report.bootstrap.models:
        yield "<h2>The paper's bootstrap</h2>"
        yield f"<p>{escape(report.bootstrap.ways['points'])}. 95 % of the retrainings lie within:</p>"
        yield _long(report, _refitted(report.models), BOOTSTRAP)
    yield "<h2>Exact binomial test of the sensitivity</h2>"
    yield (
        "<p>The largest null sensitivity rejected at 0.05, one-sided: exact, and on the paper's grid of "
        "0.01. The test takes studies as independent, which studies of one patient are not.</p>"
    )
    yield _p_values(report)
    for name, title in pictures:
        data = base64.b64encode((folder / name).read_bytes()).decode()
        yield f'<h2>{escape(title)}</h2><p><img alt="{escape(title)}" src="data:image/png;base64,{data}"></p>'
    if any(report.ablation.values()):
        yield "<h2>Every ablation</h2>"
        for names in _side_by_side(report):
            yield _ablations(report, names)
    yield "<h2>What the words mean</h2>"
    yield bullets(f"<b>{escape(word)}</b>: {escape(meaning)}." for word, meaning in WORDS.items())
    yield "<h2>Limits</h2>" + bullets(map(escape, (*LIMITS, *notes)))


def _about(report: Report) -> Iterator[str]:
    cohort = report.cohort
    sets = ", ".join(f"{name} {count}" for name, count in cohort.sets.items())
    yield f"{cohort.rows} studies of {cohort.patients} patients: {escape(sets)}."
    if _refitted(report.models):
        yield f"Features: {escape(', '.join(report.features.names))}."
    if len(_refitted(report.models)) < len(report.models):
        yield (
            "A bundle is judged as it is served, on the features that it names. The rows that it was trained "
            "on are known by their hash: other measures or masks of the same patients are not."
        )
    if report.leave_patient_out:
        yield "Each patient is judged by models that were fitted without that patient."
    elif TRAIN in cohort.sets and _is_resubstitution(report, TRAIN):
        yield "The set <code>train</code> is a resubstitution: models are judged on what they were fitted on."
    yield f"Cohort sha256 <code>{cohort.sha256}</code>, seed {report.seed}."
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    yield f"Made with {escape(versions)}."


def _intervals(report: Report) -> str:
    """What the brackets hold, once for all models that have the same."""
    meant: dict[str, list[str]] = {}
    for name, entry in report.models.items():
        meant.setdefault(entry.intervals["ci"], []).append(name)
    others = "of constants, patients of the set resampled"
    said = "; ".join([*(f"of {', '.join(names)}: {meaning}" for meaning, names in meant.items()), others])
    count = report.bootstrap.replicates if report.bootstrap.models else 0
    retrained = f" Retrainings of each model: {count} in each way." if count else ""
    return f"In brackets 95 % intervals ({escape(said)}).{retrained}"


def _refitted(models: Mapping[str, ModelEntry]) -> Models:
    return {name: entry for name, entry in models.items() if entry.bundle is None}


def _with_intervals(models: Mapping[str, ModelEntry]) -> Models:
    return {
        name: entry
        for name, entry in models.items()
        if all(one.interval is not None for one in entry.sets.values())
    }


def _by_set(report: Report, names: Sequence[str], models: Models, columns: Columns) -> str:
    """A row for each model, the columns again for each of the sets."""
    above = "".join(f'<th colspan="{len(columns)}">{escape(_set_title(report, name))}</th>' for name in names)
    heads = "".join(f"<th>{escape(column)}</th>" for _ in names for column in columns)
    rows = [
        [escape(model), *(html(make(entry.sets[name])) for name in names for make in columns.values())]
        for model, entry in models.items()
    ]
    return table(f"<tr><th></th>{above}</tr><tr><th>model</th>{heads}</tr>", rows)


def _long(report: Report, models: Models, columns: Columns) -> str:
    """A row for each set and model."""
    heads = "".join(f"<th>{escape(column)}</th>" for column in columns)
    rows = [
        [
            escape(_set_title(report, name)),
            escape(model),
            *(html(make(entry.sets[name])) for make in columns.values()),
        ]
        for name in report.cohort.sets
        for model, entry in models.items()
    ]
    return table(f"<tr><th>set</th><th class=text>model</th>{heads}</tr>", rows, texts=2)


def _set_title(report: Report, name: str) -> str:
    return f"{name} (resubstitution)" if _is_resubstitution(report, name) else name


def _side_by_side(report: Report) -> Iterator[Sequence[str]]:
    names = list(report.cohort.sets)
    for first in range(0, len(names), SETS_A_TABLE):
        yield names[first : first + SETS_A_TABLE]


def _is_resubstitution(report: Report, name: str) -> bool:
    return any(entry.sets[name].resubstitution for entry in report.models.values())


def _p_values(report: Report) -> str:
    rows = [
        [
            escape(name),
            escape(model),
            f"{test.found}/{test.failed}",
            rounded(test.largest_rejected, 3),
            rounded(test.largest_rejected_on_grid, 2),
        ]
        for name in report.cohort.sets
        for model, test in ((model, sets[name]) for model, sets in report.p_value.items())
    ]
    head = "<tr><th>set</th><th class=text>model</th><th>found</th><th>exact</th><th>on the grid</th></tr>"
    return table(head, rows, texts=2)


def _ablations(report: Report, names: Sequence[str]) -> str:
    heads = "".join(f"<th>AUROC, {escape(name)}</th><th>MAE, {escape(name)}</th>" for name in names)
    rows = [
        [
            escape(model),
            escape(", ".join(each.left_out)),
            *(html(cell(each.sets[name], key)) for name in names for key in ("auroc", "mae")),
        ]
        for model, ablations in report.ablation.items()
        for each in ablations
    ]
    return table(f"<tr><th>model</th><th class=text>without</th>{heads}</tr>", rows, texts=2)
