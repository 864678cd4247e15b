"""`make run`: the story on a fresh stack, checked and reported."""

import time
from functools import partial
from pathlib import Path

from rich.console import Console

from deploy.local.judge.check import check_books
from deploy.local.judge.drive import drive
from deploy.local.judge.figures import figures_of, in_order
from deploy.local.judge.status import RunStatus
from deploy.local.machine.run_folders import new_run, tidy
from deploy.local.show.progress import ProgressTable
from deploy.local.show.report import RunFigures, print_verdict, table_of, write_report
from deploy.local.stack.options import RunOptions, choose_log
from deploy.local.stack.stack import Stack
from deploy.local.story.decided import decide_about
from deploy.local.story.running import RunningStory
from deploy.local.story.silence import fall_silent, silent_site

NO_PAGER = (
    "Prometheus or Alertmanager cannot be had on this machine (`make setup` says why):"
    " the run shows everything but the page."
)


def run_story(options: RunOptions, console: Console) -> int:
    """Tell the story and report it.

    Returns:
        0 where all is well; 1 where anything was lost or double-counted, or the page did not come.

    Raises:
        NotReady: something did not come up.
    """
    folder = new_run(options.name)
    say = partial(console.print, soft_wrap=True)
    say(f"run folder: {folder}")
    embedded = choose_log(options.embedded, say)
    story = RunningStory(options, folder)
    settings = dict.fromkeys(story.sites, options.site_settings())
    begun = time.monotonic()
    try:
        with Stack(folder, settings, embedded=embedded, say=say) as stack:
            wrong, status = _play(stack, story, console)
            run = RunFigures(
                started=status.started,
                seconds=time.monotonic() - begun,
                log="embedded" if embedded else "kafka",
                peak_memory=status.peak_memory,
                notes=[] if stack.centre.pages else [NO_PAGER],
                problems=wrong,
            )
        return _report(folder, run, status, story, console)
    finally:
        if not options.keep_data:
            tidy(folder)


def _play(stack: Stack, story: RunningStory, console: Console) -> tuple[list[str], RunStatus]:
    """Feed the hospitals and follow every study to its end; what went wrong, and how things stand."""
    if not stack.centre.pages:
        console.print(NO_PAGER)
    expected = {site: len(cases) for site, cases in story.cases.items()}
    feeder = story.start_feeder(stack)
    try:
        with RunStatus(stack, story.truths()) as status, ProgressTable(console, expected) as table:
            pages_due = story.pages_due(stack.centre.pages)
            wrong = drive(
                status, table.show, story.cases, feeder=feeder, pages_due=pages_due, notice=story.notice
            )
            if not wrong:
                wrong = decide_about(stack, list(pages_due), partial(console.print, soft_wrap=True))
            if pages_due and not wrong:
                silent = silent_site(story.sites, story.changed)
                wrong = fall_silent(stack, status, silent, table.show)
    finally:
        feeder.kill()
    return [*wrong, *check_books(status, story.cases, partial(console.print, soft_wrap=True))], status


def _report(folder: Path, run: RunFigures, status: RunStatus, story: RunningStory, console: Console) -> int:
    """Print the table, write picture and summary, and say how it ended."""
    sites = {
        name: (in_order(site), figures_of(site, len(story.cases[name]), story.change_at(name)))
        for name, site in status.sites.items()
    }
    write_report(folder, run, sites)
    console.print(table_of([figures for _, figures in sites.values()]))
    console.print(f"{run.seconds:.0f} s, at most {run.peak_memory / (1 << 30):.1f} GiB of memory")
    console.print(f"picture: {folder / 'quality.png'}", soft_wrap=True)
    console.print(f"summary: {folder / 'summary.json'}", soft_wrap=True)
    return print_verdict(run.problems, console)
