"""The scanners of the story: makes each phantom when its turn comes and drops it into the hospital's inbox.

Run as `python -m deploy.local.story.feeder FOLDER`, a process of its own: a phantom takes a third of a second
of computing. `FOLDER/feeder.json` holds the cases and where they go. The truth is put aside in `truth/`,
where no service looks.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deploy.local.judge.truth import truth_file
from deploy.local.story.story import StoryCase
from segwatch.files import whole_folder
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.scanner import SCANNERS
from segwatch.phantoms.write import write_case
from segwatch.volumes.codec import encode_mask

WAITING = 3
"""Cases that wait in an inbox at most: so the hospitals advance together, and the disk stays free."""
LOOK_SECONDS = 0.1
ORDER = "feeder.json"


def write_order(folder: Path, cases: Sequence[StoryCase], inboxes: Mapping[str, Path]) -> None:
    """Write what `python -m deploy.local.story.feeder FOLDER` shall do."""
    folder.mkdir(parents=True, exist_ok=True)
    order = {
        "cases": [asdict(case) for case in cases],
        "inboxes": {site: str(inbox) for site, inbox in inboxes.items()},
    }
    (folder / ORDER).write_text(json.dumps(order))


def feed(
    cases: Sequence[StoryCase],
    inboxes: Mapping[str, Path],
    drop: Callable[[StoryCase], None],
    pause: Callable[[], None],
) -> None:
    """Drop all cases, each hospital's in order, the hospital first that has had the fewest.

    Args:
        cases: what is to come.
        inboxes: the folder of each hospital.
        drop: makes one case and puts it into its hospital's inbox.
        pause: waits a little, where every inbox is full.
    """
    queues = {site: deque(case for case in cases if case.site == site) for site in inboxes}
    while any(queues.values()):
        open_sites = [site for site, queue in queues.items() if queue and waiting(inboxes[site]) < WAITING]
        if open_sites:
            drop(queues[max(open_sites, key=lambda site: len(queues[site]))].popleft())
        else:
            pause()


def drop_phantom(case: StoryCase, inbox: Path, folder: Path) -> None:
    """Make the case's phantom, put its truth aside, and let the case appear in the inbox at once."""
    phantom = make_phantom(case.seed, SCANNERS[case.scanner])
    truth = truth_file(folder, case.site, case.name)
    truth.parent.mkdir(parents=True, exist_ok=True)
    truth.write_bytes(encode_mask(phantom.lesion))
    with whole_folder(inbox / case.name) as made:
        write_case(phantom, made, truth=False)
        (made / "lung.nii.gz").unlink()


def waiting(inbox: Path) -> int:
    """How many entries of the inbox have not been taken yet."""
    return sum(1 for entry in inbox.iterdir() if not entry.name.startswith("."))


def main() -> None:
    """Drop the cases of the order in the folder that the command line names."""
    folder = Path(sys.argv[1])
    order = json.loads((folder / ORDER).read_text())
    inboxes = {site: Path(inbox) for site, inbox in order["inboxes"].items()}
    feed(
        [StoryCase(**case) for case in order["cases"]],
        inboxes,
        lambda case: drop_phantom(case, inboxes[case.site], folder),
        lambda: time.sleep(LOOK_SECONDS),
    )


if __name__ == "__main__":
    main()
