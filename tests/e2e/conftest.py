"""A hospital and the centre on real brokers, with one pulse of studies that bring their masks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from deploy.local.judge.settled import awaited
from deploy.local.judge.status import HospitalStatus, RunStatus
from deploy.local.machine import jars
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.stack import Stack
from tests.support.one_pulse import SETTINGS, SITE, STUDIES, drop, name_of

SECONDS = 240


@dataclass(frozen=True)
class EndedRun:
    """The stack while it runs, after every study has come to its end."""

    stack: Stack
    status: RunStatus
    site: HospitalStatus
    identifiers: frozenset[str]
    """What the studies are called outside: patients, studies, folders, files."""


@pytest.fixture(scope="package")
def ended_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndedRun]:
    """One pulse of studies, from the inbox to the centre."""
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    folder = tmp_path_factory.mktemp("stack")
    with (
        Stack(
            folder / "run", {SITE: replace(SETTINGS, doors=True)}, embedded=False, hospital_prometheus=False
        ) as stack,
        RunStatus(stack, {SITE: lambda _case, _geometry: None}) as status,
    ):
        site = status.sites[SITE]
        identifiers = [drop(number, site.inbox) for number in range(STUDIES)]
        _until_all_ended(status)
        yield EndedRun(stack, status, site, frozenset().union(*identifiers))


def _until_all_ended(status: RunStatus) -> None:
    cases = {SITE: [name_of(number) for number in range(STUDIES)]}

    def all_ended() -> bool:
        status.tick()
        return awaited(status, cases) is None

    assert comes_true(all_ended, SECONDS, 0.2), f"still on its way: {awaited(status, cases)}"
