"""What the people of the story do when they were paged: they look, acknowledge, and take another baseline."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.loopback_http import request
from deploy.local.machine.process import base_environment
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.stack import Stack
from segwatch.streaming.settings import PREFIX

COMMAND = Path(sys.executable).with_name("segwatch")
COMMAND_SECONDS = 120.0
SETTLE_SECONDS = 60.0
OPERATOR = "operator"
REASON = "a new scanner since then; its masks were looked at"


def decide_about(stack: Stack, sites: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Decide about each site's alarms, in the hospital and at the centre; what went wrong.

    Args:
        stack: the running stack.
        sites: the hospitals that pages came about.
        say: shows what was done.
    """
    wrong = []
    for site in sites:
        hospital = next(each for each in stack.hospitals if each.name == site)
        aggregation = next(each for each in hospital.services if each.service == "aggregation")
        here, centre = "segwatch_local_change_alarm", f'segwatch_change_alarm{{site="{site}"}}'
        if not _shows(aggregation.port, here, 1):
            wrong.append(f"the detector of {site} itself has not found the change")
        for address, kind in (
            (hospital.known_as(OPERATOR), "rebaseline"),
            (stack.centre.known_as(OPERATOR), "acknowledge"),
            (stack.centre.known_as(OPERATOR), "rebaseline"),
        ):
            wrong += _run(address, site, kind, say)
        for port, metric in ((aggregation.port, here), (stack.centre.federation.port, centre)):
            if not comes_true(lambda p=port, m=metric: _shows(p, m, 0), SETTLE_SECONDS, 0.2):  # type: ignore[misc]
                wrong.append(f"the alarm about {site} stands though it was decided ({metric})")
    return wrong


def _run(address: LogAddress, site: str, kind: str, say: Callable[[str], None]) -> list[str]:
    """Run `segwatch site` as an operator does; what went wrong."""
    done = subprocess.run(
        [str(COMMAND), "site", kind, site, "--reason", REASON],
        env={**base_environment(), **address.environment, f"{PREFIX}SITE": site},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    say(f"segwatch site {kind} {site}: {done.stdout.strip() or done.stderr.strip()}")
    return [] if done.returncode == 0 else [f"segwatch site {kind} {site} failed: {done.stderr.strip()}"]


def _shows(port: int, metric: str, value: int) -> bool:
    """Whether the service's own page has the metric at that value."""
    _, body = request(port, "/metrics")
    return any(
        line.startswith(f"{metric} ") and float(line.rsplit(" ", 1)[1]) == value
        for line in body.decode().splitlines()
    )
