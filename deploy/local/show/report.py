"""The end of a run: the table per hospital, the picture, and summary.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.judge.figures import Rates, Scored, SiteFigures
from deploy.local.show.picture import draw

GIB = 1 << 30


@dataclass(frozen=True)
class RunFigures:
    """The whole run's figures.

    Attributes:
        log: `kafka` or `embedded`.
        peak_memory: resident bytes of all processes together, at most.
        notes: what was not there, and so was not shown.
        problems: what is wrong; empty where the run is good.
    """

    started: datetime
    seconds: float
    log: str
    peak_memory: int
    notes: Sequence[str]
    problems: Sequence[str]


def write_report(
    folder: Path,
    run: RunFigures,
    sites: Mapping[str, tuple[Sequence[Scored], SiteFigures]],
    *,
    cases: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write `summary.json` and `quality.png` into the run's folder.

    Args:
        folder: the run's.
        run, sites: their figures.
        cases: what each of a user's own cases got.
    """
    draw(folder / "quality.png", sites)
    summary = {
        "started": run.started.isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 1),
        "log": run.log,
        "peak_memory_gib": round(run.peak_memory / GIB, 2),
        "notes": list(run.notes),
        "problems": list(run.problems),
        "sites": {site: _plain(figures) for site, (_, figures) in sites.items()},
        **({"cases": list(cases)} if cases else {}),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


def table_of(sites: Sequence[SiteFigures]) -> Table:
    """One column a hospital. Rates of a hospital with a change are shown as before → after."""
    table = Table(title="What happened", title_justify="left")
    table.add_column("")
    for figures in sites:
        table.add_column(figures.site, justify="right")
    for label, cells in _rows(sites):
        table.add_row(label, *cells)
    return table


def print_verdict(wrong: Sequence[str], console: Console) -> int:
    """Say what is wrong, and give the exit code."""
    for problem in wrong:
        console.print(f"WRONG: {problem}", style="bold red", soft_wrap=True)
    if not wrong:
        console.print("Nothing was lost, nothing was counted twice.", style="bold green")
    return 1 if wrong else 0


def _blocks(site: SiteFigures) -> str:
    counts = {"pulse": site.pulses, "portrait": site.portraits}
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())


def _rows(sites: Sequence[SiteFigures]) -> list[tuple[str, list[str]]]:
    counts = (
        ("studies in", [str(site.studies_in) for site in sites]),
        ("measured", [str(site.measured) for site in sites]),
        ("scored", [str(site.scored) for site in sites]),
        ("flagged (need attention)", [str(site.flagged) for site in sites]),
        ("dead-lettered", [str(site.dead_lettered) for site in sites]),
        ("blocks released", [_blocks(site) for site in sites]),
    )
    rates = (
        ("true failure rate", [_around(site, "true_failed") for site in sites]),
        ("predicted failed share, raw", [_around(site, "predicted_failed") for site in sites]),
        ("mean true Dice", [_around(site, "mean_true_dice") for site in sites]),
        ("mean predicted Dice", [_around(site, "mean_predicted_dice") for site in sites]),
    )
    return [
        *counts,
        *rates,
        ("change", [_change(site) for site in sites]),
        ("page", [_page(s) for s in sites]),
    ]


def _around(site: SiteFigures, name: str) -> str:
    if site.before is None or site.after is None:
        return _rate(site.rates, name)
    return f"{_rate(site.before, name)} → {_rate(site.after, name)}"


def _rate(rates: Rates, name: str) -> str:
    value: float | None = getattr(rates, name)
    if value is None:
        return "–"
    return f"{value:.2f}" if "dice" in name else f"{value:.0%}"


def _change(site: SiteFigures) -> str:
    if site.change is None:
        return "none"
    return f"{_clock(site.change.at)}, after {site.change.after_studies} studies"


def _page(site: SiteFigures) -> str:
    if site.page_at is None:
        return "none"
    later = site.page_after_change
    after = f", {later} studies after the change" if later is not None else ""
    return f"{_clock(site.page_at)}{after}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}"


def _plain(figures: SiteFigures) -> dict[str, object]:
    """JSON's types: times as text."""
    plain = {**asdict(figures), "page_after_change": figures.page_after_change}
    plain["page_at"] = figures.page_at.isoformat() if figures.page_at else None
    if figures.change is not None:
        plain["change"] = {**asdict(figures.change), "at": figures.change.at.isoformat()}
    return plain
