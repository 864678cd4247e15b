"""Heartbeats: on the policy's fixed schedule, whatever happens to studies, while blocks can close and leave.

They come from a thread of their own, so that closing a block delays none; but they come from what does the
work. A heart that beats on while the audit log's disk is full, or the books cannot be read, would tell the
centre that the site is watched.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from segwatch.aggregation.mechanism.release import heartbeat_of
from segwatch.contracts.policy import SitePolicy
from segwatch.errors import SegwatchError
from segwatch.streaming.attempts import RETRY_SECONDS
from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Producer

EPOCH_SECONDS = 0.2
"""Between two looks whether there is an epoch."""
_log = logging.getLogger(__name__)


class Heartbeats:
    """Sends the slot that it is now. A slot in which the log was away is left out: it is over."""

    def __init__(self, log: Log, site: str, policy: SitePolicy, now: Callable[[], datetime]) -> None:
        self._log = log
        self._site = site
        self._policy = policy
        self._now = now
        self._last: int | None = None
        self._producer: Producer | None = None

    def beat(self, epoch: int) -> float:
        """Send the present slot if it was not sent yet; the seconds until the next one begins.

        Raises:
            LogUnavailable, LogRefused: call again later.
        """
        interval = self._policy.heartbeat_seconds
        seconds = self._now().timestamp()
        slot = int(seconds // interval)
        if slot != self._last:
            self._producer = self._producer or self._log.producer()
            self._producer.send([heartbeat_of(self._site, epoch, slot, self._policy)])
            self._last = slot
        return (slot + 1) * interval - seconds

    def run(self, epoch: Callable[[], int | None], stop: threading.Event) -> None:
        """Beat until `stop`, while there is an epoch in which blocks can close. For a thread."""
        wait = 0.0
        while not stop.wait(wait):
            number = epoch()
            if number is None:
                wait = EPOCH_SECONDS
                continue
            try:
                wait = self.beat(number)
            except SegwatchError as error:
                _log.warning("no heartbeat, trying again: %s", error)
                wait = RETRY_SECONDS
        if self._producer is not None:
            bounded(self._producer.close, "the heartbeats' producer")
