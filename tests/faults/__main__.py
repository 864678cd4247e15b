"""`python -m tests.faults --seed 7 --studies 200 --minutes 10`: a site under faults, injected on purpose.

Shows what happens; the last line is JSON. Ends with 0 where everything held, 1 where anything did not.
Ends every process, mount and folder that it made, also on Ctrl-C; `--keep FOLDER` keeps logs and topics.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tests.faults.disk import in_own_mount_namespace

INTERRUPTED = 130


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same faults")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long faults happen; then it settles")
    parser.add_argument("--keep", type=Path, help="keep everything that the run writes in this folder")
    given = parser.parse_args()
    if given.studies < 1 or given.minutes <= 0:
        parser.error("there must be a study, and some time")
    in_own_mount_namespace()
    signal.signal(signal.SIGTERM, _interrupt)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="segwatch-faults-"))
    try:
        return _run(given, folder / "run" if given.keep else folder)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(given: argparse.Namespace, folder: Path) -> int:
    from tests.faults.run import FaultRunOptions, Run  # after the mount namespace: it loads a lot

    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {line}", flush=True)

    run = Run(FaultRunOptions(given.seed, given.studies, given.minutes), folder.resolve(), say)
    try:
        outcome = run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it behind
        say("ending everything")
        run.close()
    for problem in outcome.problems():
        say(f"BROKEN: {problem}")
    say("every invariant holds" if outcome.good else f"seed {given.seed}: not every invariant holds")
    print(json.dumps(outcome.figures()), flush=True)
    return 0 if outcome.good else 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
