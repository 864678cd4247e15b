"""One child process: in a group of its own, its output in a file, ended together with this process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.machine.folders import ROOT
from deploy.local.machine.waiting import comes_true

LEASH = Path(__file__).with_name("leash.py")
LAST_LINES = 12


class NotReady(RuntimeError):
    """A program did not come up. The message holds the last lines of its log."""


class Child:
    """A program that the local stack starts, in the repository's folder, and ends.

    Start it from a thread that lives on: Linux ends it with the thread that started it.

    Args:
        name: how it is called in messages.
        command: program and arguments.
        log: file that its standard output and error are appended to.
        env: its whole environment; nothing is inherited.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or where it was never started."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        return self._process.pid if self._process and self.alive() else None

    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; return at once."""
        if self.alive():
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        leashed = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self._command]
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                leashed,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=self._env,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()` says yes.

        Raises:
            NotReady: it ended before, or was not ready in time.
        """
        if not comes_true(lambda: not self.alive() or ready(), seconds):
            raise NotReady(f"{self.name} was not ready in {seconds:.0f} s ({self.log}):\n{self.last_lines()}")
        if not self.alive():  # also where another process answered in its stead
            raise NotReady(f"{self.name} ended before it was ready ({self.log}):\n{self.last_lines()}")

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); return at once."""
        self._signal(signal.SIGTERM)

    def stop(self, seconds: float = 10) -> None:
        """Ask it to end, wait, and kill its whole group if it does not."""
        self.terminate()
        if self._process is not None:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End its whole group at once (SIGKILL)."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def memory(self) -> int:
        """Resident bytes of it and all under it; 0 when it does not run."""
        return resident_bytes(self.pid) if self.pid is not None else 0

    def says(self, text: str) -> bool:
        """Whether it has written the text since it was started, in capitals or not."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return text.lower() in log.read().decode(errors="replace").lower()

    def last_lines(self) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(no output)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]) or "(no output)"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:  # ended meanwhile
            return


def resident_bytes(pid: int) -> int:
    """Resident bytes of a process and all under it; shared pages count in each."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
    return total


def base_environment() -> dict[str, str]:
    """What a child may know of this machine: where programs are, where its home is, and its language."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
