"""`segwatch site acknowledge|rebaseline|announce|status|sees`: alarms of the detector, and decisions."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.contracts.topics import listed_sites, site_of
from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH, months_between
from segwatch.errors import BadInput
from segwatch.terminal import say

if TYPE_CHECKING:
    from segwatch.decisions.centre import Sites

SITE = Annotated[str, typer.Argument(metavar="SITE", help="The site's name, as the alarm has it.")]
REASON = Annotated[str, typer.Option(help="Why, in a sentence that others will read.")]
PAGES = Annotated[
    float,
    typer.Option(envvar="SEGWATCH_FALSE_PAGES_A_MONTH", min=0.001, help="As the federation service is told."),
]
SPREAD = Annotated[
    float, typer.Option(envvar="SEGWATCH_DISPERSION", min=1.0, help="As the federation service is told.")
]
EXPECTED = Annotated[str, typer.Option(envvar="SEGWATCH_SITES", help="As the federation service is told.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]

NEITHER = "this log is neither a hospital's nor a centre's: `segwatch topics create` makes the topics"

site = typer.Typer(
    help="Alarms of the detector, at the centre or in a hospital. Finds the log by the same SEGWATCH_…"
    " variables as a service.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(site, name="site")
    app.command("report")(report)


@site.command("acknowledge")
def acknowledge(
    name: SITE,
    reason: REASON,
    expected: EXPECTED = "",
    pages_a_month: PAGES = PAGES_A_MONTH,
    dispersion: SPREAD = DISPERSION,
    releases: Annotated[
        bool,
        typer.Option("--releases", help="Not the alarm: conflicting and refused releases, at the centre."),
    ] = False,
) -> None:
    """Take the alarm away and watch on with the same baseline: what goes on being worse rings again."""
    if releases:
        _acknowledge_releases(name, reason)
    else:
        _decide("acknowledge", name, reason, expected, pages_a_month, dispersion)


@site.command("rebaseline")
def rebaseline(
    name: SITE,
    reason: REASON,
    expected: EXPECTED = "",
    pages_a_month: PAGES = PAGES_A_MONTH,
    dispersion: SPREAD = DISPERSION,
) -> None:
    """Take the alarm away and learn the present level as the site's usual one."""
    _decide("rebaseline", name, reason, expected, pages_a_month, dispersion)


@site.command("announce")
def announce(name: SITE, reason: REASON) -> None:
    """In a hospital: say that a scanner, model or protocol changes now, so that nobody is paged for it."""
    _decide("announce", name, reason, "", PAGES_A_MONTH, DISPERSION)


@site.command("status")
def status(
    expected: EXPECTED = "",
    pages_a_month: PAGES = PAGES_A_MONTH,
    dispersion: SPREAD = DISPERSION,
    as_json: AS_JSON = False,
) -> None:
    """At the centre: how every site stands, those with an alarm first."""
    from segwatch.decisions.centre import is_a_centre, read_sites
    from segwatch.decisions.shown import as_rows, as_table
    from segwatch.streaming.operator import connected

    with connected() as log:
        if not is_a_centre(log):
            raise BadInput(
                "no site releases into this log: run it with the centre's; a hospital's own detector is in"
                " aggregation's metrics"
            )
        sites = read_sites(log, pages_a_month, dispersion, len(listed_sites(expected)))
    say(json.dumps(as_rows(sites), indent=2) if as_json else as_table(sites))


@site.command("sees")
def sees(
    studies: Annotated[
        list[float] | None, typer.Option("--studies", min=0.1, help="A week; may be given again.")
    ] = None,
    sites: Annotated[int, typer.Option(min=1, help="How many sites the centre watches.")] = 1,
    pages_a_month: PAGES = PAGES_A_MONTH,
    as_json: AS_JSON = False,
) -> None:
    """What the centre can see of a site, and when: computed by simulation, in about a minute."""
    from segwatch.decisions.shown import outlook_table
    from segwatch.detection.outlook import WEEKLY, outlook

    found = outlook(tuple(studies or WEEKLY), sites=sites, pages_a_month=pages_a_month)
    say(json.dumps([each._asdict() for each in found]) if as_json else outlook_table(found))


def report(
    name: SITE,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    begin: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    expected: EXPECTED = "",
    pages_a_month: PAGES = PAGES_A_MONTH,
    dispersion: SPREAD = DISPERSION,
    scorer: Annotated[
        Path | None,
        typer.Option(envvar="SEGWATCH_SCORER", help="In a hospital: the bundle that holds its reviews."),
    ] = None,
) -> None:
    """One printable file of a site's period: quality, alarms and what was done, changes, versions, limits."""
    from segwatch.contracts.envelope import utc_now
    from segwatch.decisions.centre import is_a_centre
    from segwatch.decisions.hospital import is_a_hospital
    from segwatch.decisions.period import Period, period_at_centre, period_in_hospital
    from segwatch.decisions.period_page import page
    from segwatch.files import write_whole
    from segwatch.scoring.bundle_files import read_files
    from segwatch.streaming.connect import open_log
    from segwatch.streaming.settings import ConnectionSettings, load_settings

    period = Period(begin.date(), end.date())
    settings = load_settings(ConnectionSettings, strangers=True)
    with open_log(settings) as log:
        if is_a_hospital(log):
            if name != settings.site:
                raise BadInput(f"this is the log of {settings.site!r} (SEGWATCH_SITE), not of {name!r}")
            reviews = None if scorer is None else read_files(scorer).manifest.site
            told = period_in_hospital(log, name, period, reviews)
        elif scorer is not None:
            raise BadInput("--scorer: reviews are a hospital's own, and its report shows them")
        elif is_a_centre(log):
            sites = max(len(listed_sites(expected)) or len([*filter(None, map(site_of, log.topics()))]), 1)
            told = period_at_centre(log, name, period, months_between(sites, pages_a_month), dispersion)
        else:
            raise BadInput(NEITHER)
    write_whole(out, page(told, utc_now()))
    say(f"{out}: {told.whole.studies} studies, {len(told.alarms)} alarms, {len(told.decisions)} decisions")


def _decide(
    kind: str, name: str, reason: str, expected: str, pages_a_month: float, dispersion: float
) -> None:
    from segwatch.contracts.envelope import utc_now
    from segwatch.decisions.centre import decide, is_a_centre, new_decision, read_sites
    from segwatch.decisions.hospital import decide_here, is_a_hospital
    from segwatch.decisions.shown import done
    from segwatch.streaming.connect import open_log
    from segwatch.streaming.operator import user_at_host
    from segwatch.streaming.settings import ConnectionSettings, load_settings

    decision = new_decision(kind, name, reason, user_at_host(), utc_now())
    settings = load_settings(ConnectionSettings, strangers=True)
    with open_log(settings) as log:
        if is_a_hospital(log):
            written, new = decide_here(log, settings.site, decision)
        elif is_a_centre(log):
            sites: Sites = read_sites(log, pages_a_month, dispersion, len(listed_sites(expected)))
            written, new = decide(log, sites, decision)
        else:
            raise BadInput(NEITHER)
    say(done(written, new=new))


def _acknowledge_releases(name: str, reason: str) -> None:
    from segwatch.contracts.envelope import utc_now
    from segwatch.decisions.centre import acknowledge_releases, is_a_centre, read_sites
    from segwatch.decisions.shown import done
    from segwatch.streaming.operator import connected, user_at_host

    with connected() as log:
        if not is_a_centre(log):
            raise BadInput("--releases is the centre's: no site releases into this log")
        written, new = acknowledge_releases(log, read_sites(log), name, reason, user_at_host(), utc_now())
    say(done(written, new=new))
