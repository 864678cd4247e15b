"""When a run is over: everything that went in has come to its end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploy.local.judge.check import BLOCK_KINDS, size_of
from deploy.local.judge.site_view import BlockName, block_name
from deploy.local.judge.status import HospitalStatus, RunStatus

STUCK_SECONDS = 180.0
"""A study takes seconds; longer without any movement means that something is stuck."""
PAGE_SECONDS = 60.0
"""From the last release to the page: scrape and rule a second each, Alertmanager a few."""


def awaited(status: RunStatus, cases: Mapping[str, Sequence[str]]) -> str | None:
    """What is still on its way, in words; None where everything has come to its end.

    Args:
        status: the running stack.
        cases: names of the cases that each hospital gets.
    """
    for name, site in status.sites.items():
        what = _awaited_at(site, cases[name], status.centre.released.get(name, {}))
        if what is not None:
            return f"{name}: {what}"
    return None


def _awaited_at(
    site: HospitalStatus, cases: Sequence[str], at_the_centre: Mapping[BlockName, bytes]
) -> str | None:
    coming = sum(case not in site.receipts for case in cases)
    if coming:
        return f"{coming} cases have not been taken in"
    ended = site.view.dead_studies | set(site.view.scored)
    moving = {r.study for r in site.receipts.values() if r.study is not None} - ended
    if moving:
        return f"{len(moving)} studies are on their way"
    for kind in BLOCK_KINDS:
        size = size_of(site.view, kind)
        due = len(site.view.scored) // size if size else 0
        if size is None or len(site.view.closed(kind)) < due:
            return f"a {kind} is due"
    if {block_name(block) for block in site.view.blocks} - set(at_the_centre):
        return "a block has not arrived at the centre"
    return None


@dataclass
class IdleClock:
    """How long a run waits while nothing moves.

    Args:
        clock: seconds that only go forward.
    """

    clock: Callable[[], float] = time.monotonic
    _progress: int = -1
    _moved: float = 0.0

    def idle(self, progress: int) -> float:
        """Seconds since `progress` last changed."""
        if progress != self._progress:
            self._progress, self._moved = progress, self.clock()
        return self.clock() - self._moved


def pages_expected(studies: int, first_changed: int, pulse: int, window: int, pages: bool) -> bool:
    """Whether the story is long enough for a page: a window of whole pulses from after the change.

    Args:
        studies: how many arrive at the changed hospital.
        first_changed: number of the first study of the new scanner, from 0.
        pulse: studies in a pulse.
        window: pulses in the centre's window.
        pages: whether there is anything that could page.
    """
    return pages and studies // pulse - -(-first_changed // pulse) >= window


def pages_missing(status: RunStatus, expected: Mapping[str, int]) -> list[str]:
    """The sites whose page has not come.

    Args:
        status: the running stack.
        expected: how many studies a site has before its change: an earlier page is about something else.
    """
    return [
        site
        for site, before in expected.items()
        if not any(seen.after_studies > before for seen in status.sites[site].pages)
    ]
