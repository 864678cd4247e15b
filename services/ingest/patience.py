"""How long a CT waits for the hospital's own mask, and what happens where it does not come."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from services.ingest.examination import Assembly, Chosen, NotComplete

WithoutMask = Literal["model", "wait", "no_mask"]
"""The study goes on with the site's own model; waits, however long; is announced without, and undefined."""


@dataclass
class Patience:
    """Remembers since when each entry has waited.

    Time is this process's own: after a restart an entry waits anew.

    Attributes:
        seconds: how long it waits.
        without: what happens then.
    """

    seconds: float = 0.0
    without: WithoutMask = "model"
    now: Callable[[], float] = time.monotonic
    _since: dict[Path, float] = field(default_factory=dict)

    def with_masks(self, folder: Path, assembly: Assembly) -> Assembly:
        """The entry's cases, with what is to be done with those that have no mask.

        Raises:
            NotComplete: one has none, and there is time left.
            RefusedVolume: one has two.
        """
        if all(each.case.has_mask for each in assembly.cases):
            self._since.pop(folder, None)
            return assembly
        since = self._since.setdefault(folder, self.now())
        if self.without == "wait" or self.now() - since < self.seconds:
            raise NotComplete
        self._since.pop(folder)
        return replace(assembly, cases=tuple(self._settled(each) for each in assembly.cases))

    def _settled(self, chosen: Chosen) -> Chosen:
        no_mask = self.without == "no_mask" and not chosen.case.has_mask
        return replace(chosen, case=replace(chosen.case, no_mask=no_mask)) if no_mask else chosen
