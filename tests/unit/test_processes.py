"""Processes that work for this one: none outlives what it works for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from segwatch.processes import pool_of, results

PARENT = """
import os, time
from segwatch.processes import pool_of
if __name__ == "__main__":
    with pool_of(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600)
        time.sleep(600)
"""
SECONDS = 60


def test_a_process_ends_when_its_parent_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    worker = int(parent.stdout.readline())
    assert _runs(worker)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    _wait_for_the_end_of(worker)


def test_a_process_does_not_answer_to_ctrl_c_and_ends_at_once_where_nobody_waits_any_more():
    workers = []

    def interrupted():
        with pool_of(1) as pool:
            workers.append(pool.submit(os.getpid).result())
            os.kill(workers[0], signal.SIGINT)
            assert pool.submit(os.getpid).result() == workers[0]
            pool.submit(time.sleep, 600)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    _wait_for_the_end_of(workers[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_is_given_the_context_and_comes_with_its_result(workers):
    found = dict(results(divmod, 100, [3, 7, 9], workers, alone_seconds=0))
    assert found == {task: divmod(100, task) for task in (3, 7, 9)}


def test_a_process_has_one_thread_for_matrices():
    with pool_of(1) as pool:
        threads = pool.submit(_threads).result()
    assert threads
    assert set(threads) == {1}


def _threads():
    import numpy  # noqa: F401, ICN001 - it is what has threads

    return [library["num_threads"] for library in threadpool_info()]


def _wait_for_the_end_of(pid):
    until = time.monotonic() + SECONDS
    while _runs(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
