"""systemd on a server; nothing is started or stopped where it does not run, as in a trial."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from segwatch.errors import BadInput, in_one_line
from segwatch.terminal import say


def runs() -> bool:
    """Whether systemd is this machine's first process."""
    return shutil.which("systemctl") is not None and Path("/run/systemd/system").is_dir()


def start(names: Sequence[str]) -> None:
    """Start the units, now and at each boot.

    Raises:
        BadInput: systemd refuses, or a unit does not come up.
    """
    if not runs():
        say("systemd does not run here: nothing was started")
        return
    _systemctl("daemon-reload")
    _systemctl("enable", *names)
    _systemctl("start", *names)
    say("started; `segwatch preflight server --settings /etc/segwatch/settings` says what is wrong")


def stop(names: Sequence[str]) -> None:
    """Stop the units, until they are started or the machine boots.

    Raises:
        BadInput: one does not stop.
    """
    if names and runs():
        _systemctl("stop", *names)


def remove(names: Sequence[str]) -> None:
    """Stop the units, and start them at no boot. Each by its name: `disable` knows no patterns.

    Raises:
        BadInput: one does not stop.
    """
    stop(names)
    if names and runs():
        _systemctl("disable", *names)


def forget() -> None:
    """Have systemd know no more of units whose files are gone."""
    if runs():
        _systemctl("daemon-reload")
        _systemctl("reset-failed")


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = in_one_line(Exception(done.stderr), 400)
        raise BadInput(f"`systemctl {words[0]}` failed ({said}): see `systemctl status 'segwatch-*'`")
