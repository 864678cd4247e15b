"""`make run`: tells the story on a fresh stack, and checks it."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from deploy.local.drive import drive
from deploy.local.judge.check import audited, problems
from deploy.local.judge.figures import figures_of, in_order
from deploy.local.judge.settled import pages_expected
from deploy.local.judge.status import RunStatus
from deploy.local.judge.truth import truth_of_story
from deploy.local.machine.process import Child, base_environment
from deploy.local.machine.run_folders import new_run, tidy
from deploy.local.options import WINDOW_PULSES, RunOptions, choose_log
from deploy.local.show.progress import ProgressTable
from deploy.local.show.report import RunFigures, table_of, write_report
from deploy.local.stack.service import ONE_THREAD
from deploy.local.stack.stack import Stack
from deploy.local.story.feeder import write_order
from deploy.local.story.story import NEW_SCANNER, StoryCase, changed_site, site_names, story
from segwatch.aggregation.mechanism.policy import read_policy

NO_PAGER = (
    "Prometheus or Alertmanager cannot be had on this machine (`make setup` says why):"
    " the run shows everything but the page."
)


class ToldStory:
    """The story on one stack: who gets what, and what is noticed on the way."""

    def __init__(self, options: RunOptions, folder: Path) -> None:
        self.folder = folder / "story"
        self.sites = site_names(options.hospitals)
        self.changed = changed_site(self.sites)
        self.cases = story(self.sites, options.studies)
        self.change: tuple[datetime, str] | None = None
        changed = [case for case in self.cases if case.site == self.changed and case.after_change]
        self._first: StoryCase | None = changed[0] if changed else None

    def names(self) -> dict[str, list[str]]:
        """The cases' names, by hospital."""
        return {site: [case.name for case in self.cases if case.site == site] for site in self.sites}

    def notice(self, scene: RunStatus) -> list[str]:
        """Say it when the first study of the new scanner has come in."""
        if self.change is not None or self._first is None:
            return []
        if self._first.name not in scene.sites[self.changed].receipts:
            return []
        self.change = datetime.now(UTC), self._first.name
        return [f"{self.changed}: a new scanner ({NEW_SCANNER}) from {self._first.name} on"]

    def change_at(self, site: str) -> tuple[datetime, str] | None:
        """When the site's new scanner came, and its first case; None where none did."""
        return self.change if site == self.changed else None

    def paged(self, options: RunOptions, pages: bool) -> dict[str, int]:
        """The hospital about which a page must come, and how many studies it has before the change."""
        pulse = read_policy(options.policy).pulse_studies
        first = self._first.number if self._first else options.studies
        expected = pages_expected(options.studies, first, pulse, WINDOW_PULSES, pages)
        return {self.changed: first} if expected else {}


def tell(options: RunOptions, console: Console) -> int:
    """Tell the story and report it.

    Returns:
        0 where all is well; 1 where anything was lost or double-counted, or the page did not come.

    Raises:
        NotReady: something did not come up.
    """
    folder = new_run(options.name)
    console.print(f"run folder: {folder}", soft_wrap=True)
    say = partial(console.print, soft_wrap=True)
    embedded = choose_log(options.embedded, say)
    told = ToldStory(options, folder)
    settings = dict.fromkeys(told.sites, options.site_settings())
    begun = time.monotonic()
    try:
        with Stack(folder, settings, embedded=embedded, say=say) as stack:
            wrong, scene = play(stack, told, options, console)
            run = RunFigures(
                started=scene.started,
                seconds=time.monotonic() - begun,
                log="embedded" if embedded else "kafka",
                peak_memory=scene.peak_memory,
                notes=[] if stack.centre.pages else [NO_PAGER],
                problems=wrong,
            )
        return report(folder, run, scene, told, console)
    finally:
        if not options.keep:
            tidy(folder)


def play(stack: Stack, told: ToldStory, options: RunOptions, console: Console) -> tuple[list[str], RunStatus]:
    """Feed the hospitals and follow every study to its end; what went wrong, and the scene."""
    if not stack.centre.pages:
        console.print(NO_PAGER)
    names = told.names()
    truths = {site: truth_of_story(told.folder, site) for site in told.sites}
    expected = {site: len(cases) for site, cases in names.items()}
    feeder = start_feeder(told, stack)
    try:
        with RunStatus(stack, truths) as scene, ProgressTable(console, expected) as watch:
            pages_at = told.paged(options, stack.centre.pages)
            wrong = drive(scene, watch, names, feeder=feeder, pages_at=pages_at, notice=told.notice)
    finally:
        feeder.kill()
    return [*wrong, *books_of(scene, names, console)], scene


def start_feeder(told: ToldStory, stack: Stack) -> Child:
    """Start dropping the story's cases."""
    inboxes = {hospital.name: hospital.inbox for hospital in stack.hospitals}
    write_order(told.folder, told.cases, inboxes)
    command = [sys.executable, "-m", "deploy.local.story.feeder", str(told.folder)]
    feeder = Child("feeder", command, stack.folder / "feeder.log", {**base_environment(), **ONE_THREAD})
    feeder.start()
    return feeder


def books_of(scene: RunStatus, names: dict[str, list[str]], console: Console) -> list[str]:
    """Whether anything was lost or counted twice in any hospital, or left without its audit log saying so."""
    wrong = [
        problem
        for name, site in scene.sites.items()
        for problem in problems(
            name, names[name], site.receipts, site.view, scene.centre.released.get(name, {})
        )
    ]
    for hospital in scene.stack.hospitals:
        with hospital.place.open() as log:
            found = audited(hospital.name, hospital.audit_log, log)
        console.print(found.said, soft_wrap=True)
        wrong += found.problems
    return wrong


def report(folder: Path, run: RunFigures, scene: RunStatus, told: ToldStory, console: Console) -> int:
    """Print the table, write picture and summary, and say how it ended."""
    sites = {
        name: (in_order(site), figures_of(site, len(told.names()[name]), told.change_at(name)))
        for name, site in scene.sites.items()
    }
    write_report(folder, run, sites)
    console.print(table_of([figures for _, figures in sites.values()]))
    console.print(f"{run.seconds:.0f} s, at most {run.peak_memory / (1 << 30):.1f} GiB of memory")
    console.print(f"picture: {folder / 'quality.png'}", soft_wrap=True)
    console.print(f"summary: {folder / 'summary.json'}", soft_wrap=True)
    return verdict(run.problems, console)


def verdict(wrong: Sequence[str], console: Console) -> int:
    """Say what is wrong, and give the exit code."""
    for problem in wrong:
        console.print(f"WRONG: {problem}", style="bold red", soft_wrap=True)
    if not wrong:
        console.print("Nothing was lost, nothing was counted twice.", style="bold green")
    return 1 if wrong else 0
