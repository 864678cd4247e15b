"""Driving a run to its end: shows how it stands, and says what went wrong on the way."""

import time
from collections.abc import Callable, Mapping, Sequence

from deploy.local.judge.settled import PAGE_SECONDS, STUCK_SECONDS, IdleClock, awaited, pages_missing
from deploy.local.judge.status import RunStatus
from deploy.local.machine.process import Child

TICK_SECONDS = 0.2


def drive(
    status: RunStatus,
    show: Callable[[RunStatus, Sequence[str]], None],
    cases: Mapping[str, Sequence[str]],
    *,
    feeder: Child | None = None,
    pages_due: Mapping[str, int] | None = None,
    notice: Callable[[RunStatus], list[str]] = lambda _: [],
) -> list[str]:
    """Tend the stack until everything has come to its end, or nothing moves any more.

    Args:
        status: the running stack.
        show: shows it, with what has happened since the last time.
        cases: names of the cases that each hospital gets.
        feeder: the process that drops them; None where they lie there already.
        pages_due: hospitals about which a page must come, and how many studies they have before it may.
        notice: further events, asked for after each look.

    Returns:
        What went wrong; empty where nothing did.
    """
    patience = IdleClock()
    while True:
        events = status.tick()
        show(status, [*events, *notice(status)])
        if feeder is not None and feeder.exit_code not in (None, 0):
            return [f"the feeder ended with code {feeder.exit_code} ({feeder.log}):\n{feeder.last_lines()}"]
        what = awaited(status, cases)
        missing = pages_missing(status, pages_due or {})
        if what is None and not missing:
            return []
        idle = patience.idle(status.progress())
        if what is not None and idle > STUCK_SECONDS:
            return [f"nothing has moved for {STUCK_SECONDS:.0f} s: {what}"]
        if what is None and idle > PAGE_SECONDS:
            return [f"no page came about {', '.join(missing)} within the studies that the story has"]
        time.sleep(TICK_SECONDS)
