"""Ports: reserved for a program, lost by it all the same, and found again elsewhere."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.machine import supervisor
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK, listens, reserve_ports
from deploy.local.machine.process import NotReady, base_environment
from deploy.local.machine.supervisor import BAD_SETTINGS, MOST_MOVES, Launch, Program, running
from tests.support.port_thief import steals_first_ports
from tests.support.streaming import eventually

SERVER = f"""
import http.server, sys
try:
    server = http.server.HTTPServer(("{LOOPBACK}", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
except OSError as error:
    print(error)
    raise SystemExit({BAD_SETTINGS})
server.serve_forever()
"""


class Server(Program):
    """An HTTP server that ends like a service where it cannot have its port."""

    def __init__(self, folder: Path, *clock) -> None:
        super().__init__("server", 1, *clock)
        self.folder = folder

    def recipe(self):
        command = [sys.executable, "-c", SERVER, str(self.port)]
        return Launch(command, base_environment(), self.folder / "server.log", lambda: is_ok(self.port, "/"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port that is bound cannot be shared")
def test_nobody_finds_a_reserved_port_free_but_the_program_that_it_is_for():
    (port,) = reserve_ports(1)
    look = "import socket, sys; socket.socket().bind((sys.argv[1], int(sys.argv[2])))"
    other_run = subprocess.run(
        [sys.executable, "-c", look, LOOPBACK, str(port)], capture_output=True, text=True, check=False
    )
    assert "Address already in use" in other_run.stderr
    with socket.create_server((LOOPBACK, port)):
        assert listens(port)
    assert not listens(port)


def test_reserved_ports_are_different():
    assert len(set(reserve_ports(50))) == 50


def test_a_program_that_lost_its_port_before_it_bound_it_comes_up_at_another(tmp_path):
    with steals_first_ports() as stolen, running(server := Server(tmp_path)):
        assert stolen
        assert server.port not in stolen
        assert is_ok(server.port, "/")
        assert server.restarts == 0


def test_who_loses_every_port_is_not_started_for_ever(tmp_path, monkeypatch):
    (port,) = reserve_ports(1)
    monkeypatch.setattr(supervisor, "reserve_ports", lambda _: [port])
    with (
        socket.create_server((LOOPBACK, port)),
        pytest.raises(NotReady, match="already in use"),
        running(Server(tmp_path)),
    ):
        pass
    assert (tmp_path / "server.log").read_text().count("already in use") == 1 + MOST_MOVES


def test_a_program_that_was_ready_once_waits_for_its_port_and_takes_no_other(tmp_path, clock):
    with running(server := Server(tmp_path, clock)):
        port = server.port
        server.child.kill()
        server.tend()
        with socket.create_server((LOOPBACK, port)):
            clock(60)
            assert server.tend() == "server was started again"
            eventually(lambda: not server.child.alive())
            assert "ended with code 2" in (server.tend() or "")
        clock(60)
        server.tend()
        eventually(lambda: is_ok(port, "/"))
        assert server.port == port
