"""The second act of the story: a hospital goes silent while its heart beats, and the page that names it."""

from collections.abc import Callable, Sequence

from deploy.local.judge.status import RunStatus
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.stack import Stack

ALERT = "SegwatchSiteSilent"
PAGE_SECONDS = 60.0
"""Four heartbeats of five seconds, and what Prometheus and Alertmanager take."""
LOOK_SECONDS = 0.2


def silent_site(sites: Sequence[str], changed: str) -> str:
    """The hospital of the second act: the first in which nothing else happens, or the only one.

    Examples:
        >>> silent_site(["hospital-a", "hospital-b"], "hospital-b")
        'hospital-a'
    """
    return next((site for site in sites if site != changed), changed)


def fall_silent(
    stack: Stack, status: RunStatus, site: str, show: Callable[[RunStatus, Sequence[str]], None]
) -> list[str]:
    """Cut the site's way out, and wait for the page; what went wrong.

    Args:
        stack: the running stack, whose books are closed: nothing else is on its way.
        status: follows it.
        site: the hospital.
        show: shows how the run stands, with what happened.
    """
    hospital = next(each for each in stack.hospitals if each.name == site)
    if hospital.way_out is None:
        return [f"{site} has no way out that could be cut"]
    hospital.way_out.stop()
    beats, pages = status.sites[site].view.heartbeats, len(status.pages)
    show(status, [f"{site}: its bridge is cut; its heart beats on, and nobody at the centre hears it"])

    def named() -> bool:
        show(status, status.tick())
        return any((page.alert, page.site) == (ALERT, site) for page in status.pages[pages:])

    wrong = []
    if not comes_true(named, PAGE_SECONDS, LOOK_SECONDS):
        wrong.append(f"{site} has been silent for {PAGE_SECONDS:.0f} s, and no page names it")
    if status.sites[site].view.heartbeats == beats:
        wrong.append(f"the heart of {site} stood still, though only its bridge was cut")
    return wrong
