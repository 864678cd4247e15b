"""The progress display: a table that lives on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.local.judge.figures import ROLLING, in_order, rolling
from deploy.local.judge.status import HospitalStatus, RunStatus

EVENTS_SHOWN = 10
SECONDS_BETWEEN_LINES = 10.0


class ProgressTable:
    """Shows how a run stands. A context: the live table ends with it.

    Args:
        console: where to.
        expected: how many cases each hospital gets; None where nobody knows.
    """

    def __init__(self, console: Console, expected: Mapping[str, int | None]) -> None:
        self._console = console
        self._expected = expected
        self._events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._last_line = 0.0

    def show(self, status: RunStatus, events: Sequence[str]) -> None:
        """Show where things stand, and what has happened since."""
        stamped = [f"{datetime.now().astimezone():%H:%M:%S}  {event}" for event in events]
        self._events.extend(stamped)
        if self._live is not None:
            self._live.update(Group(self._table(status), *map(_event, self._events)), refresh=True)
            return
        for event in stamped:
            self._console.print(_event(event), soft_wrap=True)
        if time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            for site in status.sites.values():
                self._console.print(self._line(site), soft_wrap=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def _table(self, status: RunStatus) -> Table:
        table = Table()
        for heading in ("", "in", "segmented", "measured", "scored", "flagged", f"share of {ROLLING}"):
            table.add_column(heading, justify="right" if heading else "left")
        for heading in ("dead letters", "pulses", "portraits", "at the centre"):
            table.add_column(heading, justify="right")
        for name, site in status.sites.items():
            here = len(status.centre.released.get(name, {}))
            table.add_row(*self._cells(site), str(here))
        return table

    def _cells(self, site: HospitalStatus) -> list[str]:
        view, expected = site.view, self._expected.get(site.name)
        counts = [len(view.segmented), len(view.measured), len(view.scored)]
        return [
            site.name,
            f"{len(site.receipts)}/{expected}" if expected is not None else str(len(site.receipts)),
            *map(str, counts),
            str(view.flagged),
            rolling_share(site),
            str(len(view.dead_studies)),
            str(len(view.closed("pulse"))),
            str(len(view.closed("portrait"))),
        ]

    def _line(self, site: HospitalStatus) -> str:
        name, received, segmented, measured, scored, flagged, share, dead, pulses, portraits = self._cells(
            site
        )
        return (
            f"{name}: in {received}, segmented {segmented}, measured {measured}, scored {scored}, "
            f"flagged {flagged} (share of {ROLLING}: {share}), dead letters {dead}, "
            f"pulses {pulses}, portraits {portraits}"
        )


def rolling_share(site: HospitalStatus) -> str:
    """The share of the latest studies that need attention."""
    shares = rolling([float(study.score.needs_attention) for study in in_order(site)][-ROLLING:])
    return "–" if not shares or shares[-1] is None else f"{shares[-1]:.0%}"


def _event(text: str) -> Text:
    return Text(text, style="bold red" if "PAGE (firing)" in text else "")
