"""Somebody who takes ports between their choosing and their binding."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.supervisor import Program


@contextmanager
def steals_first_ports() -> Iterator[set[int]]:
    """Listens on the first ports of every program, as soon as they are chosen; those ports."""
    stolen: set[int] = set()
    make = Program.__init__
    with ExitStack() as listeners, pytest.MonkeyPatch.context() as patch:

        def robbed(program: Program, *given: Any, **named: Any) -> None:
            make(program, *given, **named)
            for port in program.ports:
                listeners.enter_context(socket.create_server((LOOPBACK, port)))
            stolen.update(program.ports)

        patch.setattr(Program, "__init__", robbed)
        yield stolen
