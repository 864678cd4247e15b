"""`make up` and `make down`: the stack stays, and the story runs in it until somebody ends it.

`up` starts a process of its own (`hold`), waits until everything is ready, and prints where to look. `down`
finds that process by the run's folder and ends it, from any shell.
"""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console

from deploy.local.judge.status import RunStatus
from deploy.local.machine.folders import ROOT, RUNS
from deploy.local.machine.process import Child, NotReady
from deploy.local.machine.run_folders import is_going_on, new_run, owner_of, tidy
from deploy.local.machine.waiting import comes_true
from deploy.local.show.progress import ProgressTable
from deploy.local.stack.options import RunOptions, choose_log
from deploy.local.stack.stack import Stack
from deploy.local.story.running import RunningStory

NAME = "up"
ADDRESSES = "addresses.json"
UP_SECONDS = 300.0
DOWN_SECONDS = 60.0
TICK_SECONDS = 0.5


def up(arguments: list[str], console: Console) -> int:
    """Start the stack in a process of its own and print its addresses.

    Args:
        arguments: the options of the command line, which `hold` is given too.
        console: where to.
    """
    folder = RUNS / NAME
    if is_going_on(folder):
        console.print("It is up already (`make down` ends it).")
        return _print_addresses(folder, console)
    RUNS.mkdir(parents=True, exist_ok=True)
    output = RUNS / "up.log"
    with output.open("wb") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "hold", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )

    def is_up() -> bool:
        return is_going_on(folder) and (folder / ADDRESSES).exists()

    comes_true(lambda: is_up() or holder.poll() is not None, UP_SECONDS, TICK_SECONDS)
    if not is_up():
        console.print(f"It did not come up ({output}):\n{output.read_text(errors='replace')[-3000:]}")
        holder.terminate()
        return 1
    return _print_addresses(folder, console)


def down(console: Console) -> int:
    """End what `up` started; 0 also where nothing is up."""
    holder = owner_of(RUNS / NAME)
    if holder is None:
        console.print("Nothing is up.")
        return 0
    holder.terminate()
    try:
        holder.wait(DOWN_SECONDS)
    except psutil.TimeoutExpired:
        holder.kill()  # everything that it started ends with it (leash.py)
        holder.wait(DOWN_SECONDS)
    console.print("Everything has ended.")
    return 0


def hold(options: RunOptions, console: Console) -> int:
    """Run the story on a stack that stays until SIGTERM."""
    folder = new_run(NAME)
    say = partial(console.print, soft_wrap=True)
    embedded = choose_log(options.embedded, say)
    story = RunningStory(options, folder)
    settings = dict.fromkeys(story.sites, options.site_settings(doors=True))
    try:
        with Stack(folder, settings, embedded=embedded, say=say) as stack:
            feeder = story.start_feeder(stack)
            (folder / ADDRESSES).write_text(json.dumps(_addresses(stack), indent=2))
            _follow(stack, story, console, feeder)
    finally:
        if not options.keep_data:
            tidy(folder)
    return 0


def _follow(stack: Stack, story: RunningStory, console: Console, feeder: Child) -> None:
    expected = {site: len(cases) for site, cases in story.cases.items()}
    try:
        with RunStatus(stack, story.truths()) as status, ProgressTable(console, expected) as table:
            while True:
                events = status.tick()
                table.show(status, [*events, *story.notice(status)])
                time.sleep(TICK_SECONDS)
    finally:
        feeder.kill()


def _addresses(stack: Stack) -> dict[str, dict[str, str]]:
    sites = {hospital.name: hospital.addresses() for hospital in stack.hospitals}
    return {"central": stack.centre.addresses(), **sites}


def _print_addresses(folder: Path, console: Console) -> int:
    try:
        found = json.loads((folder / ADDRESSES).read_text())
    except FileNotFoundError:
        raise NotReady(f"it is still starting; what it says is in {RUNS / 'up.log'}") from None
    for where, addresses in found.items():
        console.print(where, style="bold")
        for name, address in addresses.items():
            console.print(f"  {name}: {address}", soft_wrap=True)
    console.print(f"what happens: {RUNS / 'up.log'}; end it with `make down`", soft_wrap=True)
    return 0
