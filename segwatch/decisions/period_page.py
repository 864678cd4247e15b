"""The period's report as one HTML file: no script, no picture from elsewhere, made to be printed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from html import escape

from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.decisions.period import AlarmTold, QualityOver, SitePeriod
from segwatch.markup import bullets, note, table
from segwatch.scoring.reviewed import ReviewedShare

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #e3e3e3; text-align: left; vertical-align: top; }
.note { background: #f6f6f2; padding: .6rem 1rem; border-left: 4px solid #bbb; }
@page { size: A4; margin: 15mm; }
@media print { body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  tr, svg { break-inside: avoid; } }
"""
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 240, 44, 24
PARTS = "<tr><th>from</th><th>studies</th><th>need attention</th><th>95 % interval</th></tr>"
VERDICTS = "<tr><th>verdict</th><th>studies</th></tr>"
NOT_KNOWN = "nothing is known: there was no study, which is neither good nor bad"


def page(told: SitePeriod, made_at: datetime) -> str:
    """The whole file."""
    title = f"segwatch: quality at {escape(told.site)}, {told.period.begin} to {told.period.end}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    body = "".join(_body(told, title, made_at))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}</body></html>\n'


def _body(told: SitePeriod, title: str, made_at: datetime) -> Iterator[str]:
    yield f"<h1>{title}</h1>\n<p>Made on {made_at:%Y-%m-%d %H:%M} UTC. {_whose(told)}</p>\n"
    yield note(f"<b>{_share(told.whole)}</b>")
    if told.exact:
        yield note(escape(_failure_rate(told)))
    yield "<h2>Quality over time</h2>\n" + _chart(told.parts)
    yield table(PARTS, (_part(each) for each in told.parts))
    if told.verdicts:
        yield "<h2>Verdicts</h2>\n"
        yield table(VERDICTS, ((name, str(count)) for name, count in told.verdicts))
    yield "<h2>Alarms, and what was done</h2>\n" + _alarms(told)
    yield "<h2>Changes and versions</h2>\n" + bullets(_versions(told))
    yield "<h2>Methods and limits</h2>\n" + bullets(_limits(told))


def _whose(told: SitePeriod) -> str:
    if told.exact:
        return "From the hospital's own scores, exact. It stays in the hospital."
    return "From what the site released: counts with noise, which protects its patients."


def _share(whole: QualityOver) -> str:
    if whole.ratio is None or whole.low is None or whole.high is None:
        return f"In this period {NOT_KNOWN}."
    return (
        f"{whole.ratio:.0%} of {whole.studies} studies needed attention (95 % interval {whole.low:.0%} to "
        f"{whole.high:.0%})."
    )


def _failure_rate(told: SitePeriod) -> str:
    """By reviews; where there are none, only how many are predicted to have failed, under that name."""
    reviews, rate = told.reviews, told.reviews and told.reviews.failure_rate
    if reviews is not None and isinstance(rate, ReviewedShare):
        total = reviews.flagged.studies + reviews.passed.studies
        return (
            f"Failure rate by reviews: {rate.value:.0%} (95 % interval {rate.low:.0%} to {rate.high:.0%}), "
            f"post-stratified by flag from {reviews.studies} reviewed of {total} studies, evaluated on "
            f"{reviews.reviewed_on}."
        )
    studies = told.whole.studies
    raw = f" Predicted failed, raw: {told.predicted_failed} of {studies} studies." if studies else ""
    return f"The failure rate is not known: nothing that tells it was reviewed (segwatch review sample).{raw}"


def _counts(made: ScorerDecision) -> str:
    now, before = (each.shown for each in (made.counts, made.instead_of))
    return f"{now} counts instead of {before}: {made.reason}"


def _part(part: QualityOver) -> tuple[str, ...]:
    if part.ratio is None or part.low is None or part.high is None:
        return (str(part.begin), "0", NOT_KNOWN, "")
    return (str(part.begin), str(part.studies), f"{part.ratio:.0%}", f"{part.low:.0%} to {part.high:.0%}")


def _alarms(told: SitePeriod) -> str:
    happened = [(alarm.rang, f"<b>Alarm.</b> {_alarm(alarm)}") for alarm in told.alarms]
    happened += [
        (each.at.date(), f"<b>scorer: {each.decision}</b> by {escape(each.who)}: {escape(_counts(each))}")
        for each in told.scorers
    ]
    happened += [
        (each.at.date(), f"<b>{each.decision}</b> by {escape(each.who)}: {escape(each.reason)}")
        for each in told.decisions
    ]
    if not happened:
        return "<p>No alarm rang, and nothing was decided.</p>\n"
    return bullets(f"{day}: {words}" for day, words in sorted(happened))


def _alarm(alarm: AlarmTold) -> str:
    median, low, high = alarm.began
    since = "with the latest studies" if median is None else f"about {median}"
    if low is not None and high is not None:
        since += f" (90 % interval {low} to {high})"
    return f"The share that needs attention went from {alarm.before:.0%} to {alarm.since:.0%}, {since}."


def _versions(told: SitePeriod) -> Iterator[str]:
    yield from map(escape, told.versions or ("nothing is said of model, scorer or policy",))
    if told.changes is not None:
        yield f"{told.changes} changes of scanner, model or scorer were announced or made"


def _limits(told: SitePeriod) -> Iterator[str]:
    yield (
        "A study needs attention where its mask is predicted to have failed (Dice below 0.6), could not be "
        "measured, or lies outside what the scorer knows. No truth was looked at: a share is of predictions, "
        "and is not corrected for the scorer's errors."
    )
    if not told.exact:
        yield (
            "Dates are as coarse as the site's policy says; the intervals know the noise (Clopper and "
            "Pearson with the noise in the likelihood)."
        )
    else:
        yield (
            "Intervals are Clopper and Pearson's, as if studies were independent; those of a patient who "
            "comes again are not."
        )
    yield (
        "Alarms are those of the detector over unknown baselines, folded again from the log. A change that "
        "is small, or at a site with few studies, may take months to be found."
    )
    yield "segwatch is a quality monitor, not a diagnostic device."


def _chart(parts: Sequence[QualityOver]) -> str:
    """Shares and intervals over time, as SVG."""
    known = [part for part in parts if part.ratio is not None]
    if not known:
        return f"<p>{NOT_KNOWN}</p>\n"
    first, last = known[0].begin, known[-1].begin
    days = max((last - first).days, 1)

    def x(day: date) -> float:
        return LEFT + 10 + (WIDTH - LEFT - 20) * (day - first).days / days

    def y(share: float) -> float:
        return 8 + (HEIGHT - BOTTOM - 8) * (1 - share)

    marks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        marks.append(
            f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ddd"/>'
        )
        marks.append(f'<text x="{LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for part in known:
        at = x(part.begin)
        marks.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y(part.low or 0):.1f}" y2="{y(part.high or 0):.1f}" '
            'stroke="#0072b2" stroke-width="2"/>'
        )
        marks.append(f'<circle cx="{at:.1f}" cy="{y(part.ratio or 0):.1f}" r="4" fill="#0072b2"/>')
    marks += [
        f'<text x="{x(day):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{day}</text>'
        for day, anchor in ((first, "start"), *([(last, "end")] if last != first else []))
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12" fill="#444">'
        "<title>share of studies that need attention, with 95 % intervals</title>"
        + "".join(marks)
        + "</svg>\n"
    )
