"""Programs that die are started again; those that cannot start are not; none is left over."""

import os
import subprocess
import sys
import textwrap

import psutil
import pytest

from deploy.local.machine.process import Child, NotReady, base_environment
from deploy.local.machine.supervisor import (
    BAD_SETTINGS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Launch,
    Program,
    stop_all,
)
from tests.support.streaming import eventually


class Script(Program):
    """A program that is a few lines of Python."""

    def __init__(self, folder, clock, code, name="sleeper"):
        super().__init__(name, clock=clock)
        self._launch = Launch(
            [sys.executable, "-c", textwrap.dedent(code)],
            base_environment(),
            folder / f"{name}.log",
            lambda: True,
        )

    def recipe(self):
        return self._launch


def ended(child: Child) -> None:
    eventually(lambda: not child.alive())


def test_a_program_that_died_is_started_again_after_a_pause(tmp_path, clock):
    made = Script(tmp_path, clock, "import time; time.sleep(600)")
    made.launch()
    try:
        first = made.child.pid
        made.child.kill()
        assert "ended with code -9" in (made.tend() or "")
        assert made.tend() is None
        clock(2 * FIRST_PAUSE)
        assert made.tend() == "sleeper was started again"
        assert made.child.pid not in (None, first)
        assert made.restarts == 1
    finally:
        made.stop()


def test_pauses_double_up_to_a_limit_where_it_dies_at_once(tmp_path, clock):
    made = Script(tmp_path, clock, "raise SystemExit(1)")
    made.launch()
    pauses = []
    for _ in range(8):
        ended(made.child)
        made.tend()
        before = clock()
        while made.tend() is None:
            clock(0.5)
        pauses.append(clock() - before)
    made.stop()
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_a_program_that_refuses_its_settings_is_not_started_again(tmp_path, clock):
    made = Script(tmp_path, clock, f"print('LESION_MODEL is not set'); raise SystemExit({BAD_SETTINGS})")
    made.launch()
    ended(made.child)
    with pytest.raises(NotReady, match="LESION_MODEL is not set"):
        made.tend()


def test_a_program_that_was_stopped_stays_so(tmp_path, clock):
    made = Script(tmp_path, clock, "import time; time.sleep(600)")
    made.launch()
    made.stop()
    clock(1000)
    assert made.tend() is None
    assert not made.child.alive()


def test_a_program_that_does_not_listen_is_killed_with_all_that_it_started(tmp_path, clock):
    made = Script(
        tmp_path,
        clock,
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid, flush=True)
        time.sleep(600)
        """,
    )
    made.launch()
    made.child.wait_until(lambda: made.child.log.read_text().strip().isdigit(), 20)
    grandchild = psutil.Process(int(made.child.log.read_text()))
    made.terminate()
    made.child.stop(seconds=0.2)
    grandchild.wait(10)
    assert not made.child.alive()


def test_a_program_that_never_gets_ready_is_said_with_its_last_words(tmp_path):
    child = Child(
        "mute", [sys.executable, "-c", "print('no port')"], tmp_path / "mute.log", base_environment()
    )
    child.start()
    with pytest.raises(NotReady, match=r"mute ended before it was ready.*\n.*no port"):
        child.wait_until(lambda: False, 20)


def test_all_are_asked_to_end_before_any_is_waited_for(tmp_path, clock):
    parts = [Script(tmp_path, clock, "import time; time.sleep(600)", f"part-{n}") for n in range(3)]
    for part in parts:
        part.launch()
    stop_all(parts)
    assert not any(part.child.alive() for part in parts)


def test_children_know_nothing_of_this_process_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGWATCH_SITE", "leaked")
    code = "import os; print('SEGWATCH_SITE' in os.environ)"
    child = Child("child", [sys.executable, "-c", code], tmp_path / "child.log", base_environment())
    child.start()
    ended(child)
    assert child.log.read_text() == "False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux'")
def test_nothing_is_left_where_the_parent_is_killed(tmp_path):
    parent = f"""
import os, signal, sys, time
from pathlib import Path
from deploy.local.machine.process import Child, base_environment
child = Child("orphan", [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"],
              Path({str(tmp_path)!r}) / "orphan.log", base_environment())
child.start()
child.wait_until(lambda: child.log.read_text() == "up\\n", 20)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    told = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=False)
    orphan = int(told.stdout)
    assert orphan != os.getpid()
    eventually(
        lambda: not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
    )
