"""`make dashboards-preview`: the story on a fresh stack, and pictures of what operations look at meanwhile.

Everything that a dashboard shows happens: a scorer with reviews and a second one as its shadow, an entry that
cannot be read, a change that is found, decisions. Each panel is asked of the run's own Prometheus and drawn;
an expression without data fails the command. While the page stands a browser takes pictures of the pages of
Prometheus and Alertmanager.
"""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from deploy.local.judge.drive import drive
from deploy.local.judge.status import RunStatus
from deploy.local.machine import binaries
from deploy.local.machine.loopback_http import request
from deploy.local.machine.process import NotReady, base_environment
from deploy.local.machine.run_folders import new_run, tidy
from deploy.local.machine.waiting import comes_true
from deploy.local.show.browser import shoot
from deploy.local.show.progress import ProgressTable
from deploy.local.stack.hospital import SiteSettings
from deploy.local.stack.options import RunOptions
from deploy.local.stack.stack import Stack
from deploy.local.story.decided import COMMAND, decide_about
from deploy.local.story.running import RunningStory

REVIEWED = 16
"""Phantoms that somebody has looked at, as a hospital would before it goes live."""
SCRAPES_SECONDS = 20.0
"""Until what was done last is in every Prometheus, and its rules have seen it."""

Say = Callable[[str], None]


def run_pictures(options: RunOptions, out: Path, console: Console) -> int:
    """Tell the story and draw it; 0 where every panel has data.

    Args:
        options: as for `make run`.
        out: where pictures are written to; the browser's begin with `page-`.
        console: where it is told.

    Raises:
        NotReady: something did not come up, or there is no Prometheus or browser.
    """
    from deploy.dashboards.asking import RunQueries, Span
    from deploy.dashboards.preview import preview

    out.mkdir(parents=True, exist_ok=True)
    folder = new_run(options.name)
    say = partial(console.print, soft_wrap=True)
    with suppress(OSError, subprocess.CalledProcessError):
        binaries.obtain_pages(say)
    story = RunningStory(options, folder)
    settings = dict.fromkeys(story.sites, _settings(options, folder, say))
    begun = time.time()
    try:
        with Stack(folder, settings, embedded=options.embedded, say=say) as stack:
            wrong = _play(stack, story, console, out)
            time.sleep(SCRAPES_SECONDS)
            span = Span(begun, time.time())
            sources = {name: RunQueries(port, span) for name, port in _ports(stack, story.changed).items()}
            empty = preview(out, sources, {"centre": ".+", "hospital": story.changed})
    finally:
        if not options.keep_data:
            tidy(folder)
    say(f"pictures: {out}")
    for line in [*wrong, *(f"no data: {each}" for each in empty)]:
        say(line)
    return 1 if wrong or empty else 0


def _settings(options: RunOptions, folder: Path, say: Say) -> SiteSettings:
    """A hospital that has reviewed some studies, and tries the fleet's scorer beside its own."""
    usual = options.site_settings()
    reviewed, bundle = folder / "reviewed.csv", folder / "site-scorer"
    phantoms = ["--model", str(usual.lesion_model), "--patients", str(REVIEWED)]
    _segwatch(["demo-cohort", "--out", str(reviewed), *phantoms], say)
    # No failure is to be missed: what the reviews' failures have in common is not all that fails later.
    site = ["--reviews", str(reviewed), "--out", str(bundle), "--target-sensitivity", "1"]
    _segwatch(["calibrate", "--bundle", str(usual.scorer), *site], say)
    return replace(usual, scorer=bundle, shadow=usual.scorer)


def _segwatch(words: list[str], say: Say) -> None:
    say(f"segwatch {words[0]}")
    done = subprocess.run(
        [str(COMMAND), *words], env=base_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotReady(f"segwatch {' '.join(words)} failed:\n{done.stderr}")


def _play(stack: Stack, story: RunningStory, console: Console, out: Path) -> list[str]:
    """The story up to its end, the pictures of a standing page, and the decisions; what went wrong."""
    if not stack.centre.pages:
        raise NotReady("Prometheus or Alertmanager cannot be had on this machine: `make setup` says why")
    expected = {site: len(cases) for site, cases in story.cases.items()}
    _drop_what_nobody_can_read(stack)
    feeder = story.start_feeder(stack)
    try:
        with RunStatus(stack, story.truths()) as status, ProgressTable(console, expected) as table:
            due = story.pages_due(stack.centre.pages)
            wrong = drive(status, table.show, story.cases, feeder=feeder, pages_due=due, notice=story.notice)
            if not wrong:
                take_pages(stack, story.changed, out)
                wrong = decide_about(stack, list(due), partial(console.print, soft_wrap=True))
    finally:
        feeder.kill()
    return wrong


def _drop_what_nobody_can_read(stack: Stack) -> None:
    """A folder that is no examination: it is rejected, and waits as a dead letter."""
    for hospital in stack.hospitals:
        entry = hospital.inbox / "not-an-examination"
        entry.mkdir()
        (entry / "ct.nii.gz").write_bytes(b"nothing that anybody can read")


def take_pages(stack: Stack, site: str, out: Path) -> None:
    """Pictures of Prometheus' and Alertmanager's pages, at the centre and in the changed hospital."""
    programs = {program.name: program for program in stack.programs()}
    for name in ("central", site):
        prometheus, alertmanager = programs[f"{name} prometheus"], programs[f"{name} alertmanager"]
        pages = {
            "prometheus-alerts": (prometheus.port, ("/classic/alerts", "/alerts")),
            "prometheus-graph": (
                prometheus.port,
                (f"/classic/graph?{_graph(name)}", f"/graph?{_graph(name)}"),
            ),
            "alertmanager": (alertmanager.port, ("/#/alerts",)),
        }
        for page, (port, paths) in pages.items():
            path = next((each for each in paths if _is_page(port, each)), None)
            if path is not None:
                shoot(f"http://127.0.0.1:{port}{path}", out / f"page-{name}-{page}.png")


def _graph(name: str) -> str:
    expression = "segwatch_change_evidence" if name == "central" else "segwatch_local_change_evidence"
    return f"g0.expr={expression}&g0.tab=0&g0.range_input=15m"


def _is_page(port: int, path: str) -> bool:
    """Whether there is a page for a browser: Debian's Alertmanager is built without."""
    status, body = request(port, path.partition("#")[0], seconds=20)
    return status == 200 and b"<script" in body


def _ports(stack: Stack, site: str) -> dict[str, int]:
    programs = {program.name: program.port for program in stack.programs()}
    ports = {"centre": programs["central prometheus"], "hospital": programs[f"{site} prometheus"]}
    for port in ports.values():
        comes_true(lambda port=port: request(port, "/-/ready")[0] == 200, SCRAPES_SECONDS, 0.5)  # type: ignore[misc]
    return ports
