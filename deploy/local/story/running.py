"""The story on a running stack: who gets what, what is noticed on the way, and which page must come."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.judge.settled import pages_expected
from deploy.local.judge.status import RunStatus
from deploy.local.judge.truth import Truth, truth_of_story
from deploy.local.machine.process import Child, base_environment
from deploy.local.stack.options import WINDOW_PULSES, RunOptions
from deploy.local.stack.service import ONE_THREAD
from deploy.local.stack.stack import Stack
from deploy.local.story.feeder import write_order
from deploy.local.story.story import NEW_SCANNER, StoryCase, changed_site, site_names, story_cases
from segwatch.aggregation.mechanism.policy import read_policy


class RunningStory:
    """The story on one stack.

    Attributes:
        folder: of the feeder's order and of the truth, which no service sees.
        sites: the hospitals.
        changed: the one that gets the new scanner.
        cases: the names of each hospital's cases.
        change: when the new scanner's first study came in, and that case's name.
    """

    def __init__(self, options: RunOptions, folder: Path) -> None:
        self.folder = folder / "story"
        self.sites = site_names(options.hospitals)
        self.changed = changed_site(self.sites)
        self.change: tuple[datetime, str] | None = None
        self._options = options
        self._order = story_cases(self.sites, options.studies)
        self.cases = {site: [case.name for case in self._order if case.site == site] for site in self.sites}
        changed = (case for case in self._order if case.after_change)
        self._first: StoryCase | None = next(changed, None)

    def truths(self) -> dict[str, Truth]:
        """Each hospital's truth."""
        return {site: truth_of_story(self.folder, site) for site in self.sites}

    def notice(self, status: RunStatus) -> list[str]:
        """Say it when the first study of the new scanner has come in."""
        if self.change is not None or self._first is None:
            return []
        if self._first.name not in status.sites[self.changed].receipts:
            return []
        self.change = datetime.now(UTC), self._first.name
        return [f"{self.changed}: a new scanner ({NEW_SCANNER}) from {self._first.name} on"]

    def change_at(self, site: str) -> tuple[datetime, str] | None:
        """When the site's new scanner came, and its first case; None where none did."""
        return self.change if site == self.changed else None

    def pages_due(self, pages: bool) -> dict[str, int]:
        """The hospital about which a page must come, and how many studies it has before the change.

        Args:
            pages: whether there is anything that could page.
        """
        pulse = read_policy(self._options.policy).pulse_studies
        studies = self._options.studies
        first = self._first.number if self._first else studies
        expected = pages_expected(studies, first, pulse, WINDOW_PULSES, pages)
        return {self.changed: first} if expected else {}

    def start_feeder(self, stack: Stack) -> Child:
        """Start dropping the cases."""
        write_order(self.folder, self._order, {each.name: each.inbox for each in stack.hospitals})
        command = [sys.executable, "-m", "deploy.local.story.feeder", str(self.folder)]
        feeder = Child("feeder", command, stack.folder / "feeder.log", {**base_environment(), **ONE_THREAD})
        feeder.start()
        return feeder
