"""Somebody takes the ports of the stack's programs before they bind them: the stack comes up at others."""

from pathlib import Path

import pytest

from deploy.local.machine import jars
from deploy.local.machine.loopback_http import get_json, is_ok
from deploy.local.stack.stack import Stack
from tests.support.one_pulse import SETTINGS, SITE
from tests.support.port_thief import steals_first_ports
from tests.support.streaming import eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("embedded", [True, pytest.param(False, marks=pytest.mark.broker)])
def test_a_stack_whose_every_port_was_taken_comes_up_at_others(tmp_path: Path, embedded: bool) -> None:
    if not embedded and (why := jars.available()) is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    with (
        steals_first_ports() as stolen,
        Stack(tmp_path / "run", {SITE: SETTINGS}, embedded=embedded) as stack,
    ):
        listening = [program for program in stack.programs() if program.ports]
        assert len(stolen) >= len(listening) >= 6
        assert all(stolen.isdisjoint(program.ports) for program in listening)
        assert stack.tend() == []
        services = [stack.centre.federation, *stack.hospitals[0].services]
        assert all(is_ok(service.port, "/readyz") for service in services)
        if stack.centre.prometheus is not None:
            eventually(lambda: _scraped(stack.centre.prometheus.port) == ["up"], 30)


def _scraped(prometheus: int) -> list[str]:
    answer = get_json(prometheus, "/api/v1/targets")
    return [target["health"] for target in answer["data"]["activeTargets"]] if answer else []
