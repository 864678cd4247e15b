"""The folders of runs under `.run`: made, found again, and emptied of what is large."""

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

import psutil

from deploy.local.machine.folders import RUNS
from segwatch.errors import BadSettings

NEWEST_RUNS = 5
LASTING_FILES = frozenset({".log", ".png"})
SUMMARY = "summary.json"
OWNER = "pid"
LATEST = "latest"
"""A link to the newest run's folder, so that scripts need not know its name."""


def new_run(name: str | None, runs: Path = RUNS) -> Path:
    """An empty folder for a run, linked as `latest`; older runs beyond the newest few are removed.

    Raises:
        BadSettings: the name is no plain name of a folder.
        FileExistsError: a run of that name is going on.
    """
    if name and (Path(name).name != name or name in ("..", LATEST)):
        raise BadSettings(f"RUN_NAME={name} names no folder below {runs}: give one plain name, as my-run")
    if name and is_going_on(runs / name):
        raise FileExistsError(f"the run {runs / name} is still going on")
    _remove_old(runs, NEWEST_RUNS - 1)
    runs.mkdir(parents=True, exist_ok=True)
    folder = _fresh(runs, name)
    me = psutil.Process()
    (folder / OWNER).write_text(f"{me.pid} {me.create_time()}")
    _link(runs / LATEST, folder.name)
    return folder


def is_going_on(folder: Path) -> bool:
    """Whether the process that made the run's folder still lives."""
    return owner_of(folder) is not None


def owner_of(folder: Path) -> psutil.Process | None:
    """The process that made the run's folder, while it lives; a later process with its number is not it."""
    try:
        pid, created = (folder / OWNER).read_text().split()
        process = psutil.Process(int(pid))
        return process if abs(process.create_time() - float(created)) < 1 else None
    except (FileNotFoundError, NotADirectoryError, psutil.NoSuchProcess, ValueError):
        return None


def tidy(folder: Path) -> None:
    """Remove volumes, logs of brokers and databases; logs, the picture and the summary stay."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif (
            path.is_symlink()
            or (path.suffix not in LASTING_FILES and path.name != SUMMARY)
            or _in_store(path)
        ):
            path.unlink()


def _fresh(runs: Path, name: str | None) -> Path:
    """An empty folder of that name, or of the time: who comes in the same second gets one of its own."""
    if name:
        shutil.rmtree(runs / name, ignore_errors=True)
        (runs / name).mkdir()
        return runs / name
    with suppress(FileExistsError):
        folder = runs / f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
        folder.mkdir()
        return folder
    return Path(mkdtemp(prefix=f"{folder.name}-", dir=runs))


def _in_store(path: Path) -> bool:
    """Files of cases and of Kafka's own data may end in `.log` too."""
    return bool({"data", "inbox", "store", "story"} & set(path.parts))


def _link(link: Path, target: str) -> None:
    """Point the link at the target in one step, so that it never dangles between two runs."""
    fresh = link.with_name(f".{link.name}-{target}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def _remove_old(runs: Path, but: int) -> None:
    if not runs.is_dir():
        return
    folders = (path for path in runs.iterdir() if path.is_dir() and not path.is_symlink())
    ended = [folder for folder in folders if not is_going_on(folder)]
    ended.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in ended[but:]:
        shutil.rmtree(folder, ignore_errors=True)
