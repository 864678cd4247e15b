"""What `segwatch site` prints: for people, and as JSON."""

from collections.abc import Sequence
from typing import Any

from segwatch.contracts.decisions import SiteDecision
from segwatch.decisions.centre import Sites
from segwatch.detection.outlook import Outlook
from segwatch.federation.watched_site import Change

MOST_LOG10 = 300.0
_DONE = {
    "acknowledge": "acknowledged",
    "rebaseline": "re-baselined",
    "announce": "announced a change",
    "acknowledge_releases": "acknowledged the releases that do not count",
}


def done(decision: SiteDecision, *, new: bool) -> str:
    """What was decided, behind what."""
    behind = _behind(decision)
    already = "" if new else " already"
    return f"{decision.site}:{already} {_DONE[decision.decision]} {behind}, by {decision.who}"


def _behind(decision: SiteDecision) -> str:
    if decision.released_to is not None:
        return f"before offset {decision.released_to}"
    follows = decision.follows
    if follows is None:
        return f"behind the studies before offset {decision.scored_to}"
    return f"behind pulse {follows.number} of epoch {follows.epoch}"


def as_rows(sites: Sites) -> list[dict[str, Any]]:
    """Every site, those with an alarm first."""
    names = sorted(sites.watched, key=lambda name: (name not in sites.found, name))
    return [_row(sites, name) for name in names]


def as_table(sites: Sites) -> str:
    """The same for people."""
    rows = [_words(row) for row in as_rows(sites)]
    if not rows:
        return "no site has a release topic here"
    head = (
        "site",
        "pulses",
        "conflicts",
        "refused",
        "evidence",
        "of",
        "alarm",
        "since",
        "share then and now",
    )
    return _aligned([head, *rows])


def outlook_table(found: Sequence[Outlook]) -> str:
    """What can be seen and when, for people."""
    head = ("studies a week", "baseline", "change", "half found after", "nine of ten after", "missed")
    rows = [
        (
            f"{each.weekly:g}",
            _baseline(each),
            f"{each.before:.0%} to {each.after:.0%} failing",
            _span(each.half_studies, each.weekly),
            _span(each.nine_in_ten_studies, each.weekly),
            f"{each.missed:.0%}",
        )
        for each in found
    ]
    return _aligned([head, *rows])


def _baseline(each: Outlook) -> str:
    weeks = each.baseline_pulses * each.pulse_studies / each.weekly
    return f"{each.baseline_pulses} pulses, {_time(weeks)}"


def _span(studies: float | None, weekly: float) -> str:
    if studies is None:
        return "not"
    return f"{studies:.0f} studies, {_time(studies / weekly)}"


def _time(weeks: float) -> str:
    if weeks < 4:
        return f"{weeks * 7:.0f} days"
    return f"{weeks:.0f} weeks" if weeks < 104 else f"{weeks / 52:.1f} years"


def _row(sites: Sites, name: str) -> dict[str, Any]:
    change = sites.changes.get(name)
    row: dict[str, Any] = {
        "site": name,
        "pulses": len(sites.watched[name].pulses),
        "alarm": False,
        "conflicts": sites.records[name].open_conflicts,
        "refused": sites.records[name].open_refused,
    }
    if change is None:
        return row
    found = name in sites.found
    row |= {
        "evidence": 10 ** min(change.log10_evidence, MOST_LOG10),
        "threshold": 10 ** min(change.log10_threshold, MOST_LOG10),
        "alarm": change.alarm is not None,
        "found": found,
        "baseline": change.baseline,
    }
    return row | (_since(change) if found else {})


def _since(change: Change) -> dict[str, Any]:
    median, low, high = change.begun
    return {
        "since": {
            "epoch": median.name.epoch,
            "pulse": median.name.number,
            "low": low.name.number,
            "high": high.name.number,
            "date": median.closed.isoformat(),
        },
        "before": change.before,
        "after": change.since,
        "studies_since": change.studies_since,
    }


def _words(row: dict[str, Any]) -> tuple[str, ...]:
    records = (row["site"], str(row["pulses"]), str(row["conflicts"]), str(row["refused"]))
    if "evidence" not in row:
        return (*records, "", "", "nothing is known yet", "", "")
    alarm = "stands" if row["alarm"] else "with others" if row["found"] else ""
    figures = (*records, f"{row['evidence']:.3g}", f"{row['threshold']:.3g}", alarm)
    if "since" not in row:
        return (*figures, "", f"{row['baseline']:.0%}")
    since = row["since"]
    told = f"pulse {since['pulse']} ({since['low']} to {since['high']}), {since['date']}"
    return (*figures, told, f"{row['before']:.0%}, {row['after']:.0%} of {row['studies_since']} studies")


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
