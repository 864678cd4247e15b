"""`python -m tests.chaos`: the centre's own parts are away, one after the other; what is posted is looked at.

Real Kafka, federation, Prometheus, Alertmanager and a pager, with the shipped rules and routes, whose waits
run ten times as fast, and hospitals that beat every 8 s: a minute here is ten there. Ends with 0 where each
situation's posts were those of the table (`tests/chaos/situations.py`), with 1 where not.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from deploy.local.machine.waiting import comes_true
from tests.chaos.centre import Centre, centre
from tests.chaos.hospitals import Hospitals
from tests.chaos.situations import SITES, TABLE, Post, Situation, differences

FACTOR = 10
INTERVAL_SECONDS = 8
DEADLINE_SECONDS = 120.0
"""By when a post that must come has come, on a machine that does other things too."""


def main() -> int:
    """Play the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--away", type=float, default=45.0, help="seconds for which each part is away")
    parser.add_argument("--keep", type=Path, help="keep everything that the run writes in this folder")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="segwatch-chaos-"))
    began = time.monotonic()
    wrong = []
    try:
        with (
            centre(folder.resolve(), SITES, FACTOR) as parts,
            Hospitals(parts.kafka.log_address, SITES, INTERVAL_SECONDS) as hospitals,
        ):
            for situation in TABLE:
                found = _play(situation, parts, hospitals, given.away)
                print(
                    f"[{time.monotonic() - began:4.0f} s] {situation.name}: {found or 'as it should'}",
                    flush=True,
                )
                wrong += found
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print("each person was told what was to be told" if not wrong else f"{len(wrong)} posts were wrong")
    return 1 if wrong else 0


def _play(situation: Situation, parts: Centre, hospitals: Hospitals, away: float) -> list[str]:
    """Let it happen, wait for what must be posted, and then as long again for what must not."""
    seen: list[Post] = []

    def take() -> None:
        seen.extend(
            Post(page.status, page.alert, page.site) for page in parts.pager.take() if _counts(page.alert)
        )

    for times in situation.happens(parts, hospitals):
        time.sleep(times * away)
        take()

    def all_came() -> bool:
        take()
        return not [each for each in differences(situation.posts, seen) if each.startswith("not")]

    comes_true(all_came, DEADLINE_SECONDS, 0.5)
    time.sleep(5 * INTERVAL_SECONDS)
    take()
    return differences(situation.posts, seen)


def _counts(alert: str) -> bool:
    return alert != "SegwatchWatchdog"


if __name__ == "__main__":
    sys.exit(main())
