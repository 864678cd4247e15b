"""What a secured stack lets be seen of its secrets: nothing, in no file, process, address or log."""

import base64
import itertools
import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.machine.loopback_http import request

pytestmark = [pytest.mark.broker, pytest.mark.slow]
HOLDERS = ("*.key", "*.pem", "*.p12", "*.password", "pseudonym-secret", "stow-token", "worker.properties")
"""Files that hold a secret, because something has to."""


def holders(folder: Path) -> list[Path]:
    return sorted(path for pattern in HOLDERS for path in folder.rglob(pattern) if path.is_file())


def text_of(path: Path) -> Iterator[bytes]:
    """What would give the file's secret away: a line of a key, or the whole."""
    data = path.read_bytes()
    if b"PRIVATE KEY" in data:
        key = data.split(b"PRIVATE KEY-----")[1].splitlines()
        yield from (line for line in key if len(line) > 30 and not line.startswith(b"-"))
        yield base64.b64decode(b"".join(line for line in key if not line.startswith(b"-")))
    elif path.suffix == ".p12":
        yield data
    elif path.name != "worker.properties":
        yield data.strip()


@pytest.fixture(scope="module")
def secrets(ended_run) -> dict[bytes, Path]:
    found = {secret: path for path in holders(ended_run.stack.folder) for secret in text_of(path)}
    kinds = {path.stem for path in found.values()}
    assert {"pseudonym-secret", "stow-token", "broker", "scoring", "authority", "worker-api"} <= kinds
    assert all(len(secret) >= 16 for secret in found)
    return found


def shown(secrets: dict[bytes, Path], where: bytes) -> set[str]:
    """Names of the secrets that are to be seen there."""
    return {str(path) for secret, path in secrets.items() if secret in where}


def test_what_holds_a_secret_is_its_owners_alone(ended_run):
    for path in holders(ended_run.stack.folder):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_other_file_holds_a_secret(ended_run, secrets):
    """Logs, configurations, the brokers' data, the store, receipts: everything that the run wrote."""
    own = set(holders(ended_run.stack.folder))
    looked_at = 0
    for folder, _, names in os.walk(ended_run.stack.folder):
        for path in (Path(folder) / name for name in names):
            if path in own or not path.is_file():
                continue
            looked_at += 1
            assert not shown(secrets, path.read_bytes()), path
    assert looked_at > 100


def test_no_process_shows_a_secret_in_its_arguments_or_its_environment(ended_run, secrets):
    processes = psutil.Process().children(recursive=True)
    assert len(processes) >= 10, ended_run
    for process in processes:
        name = " ".join(process.cmdline())[:120]
        assert not shown(secrets, "\0".join(process.cmdline()).encode()), name
        said = "\0".join(f"{key}={value}" for key, value in process.environ().items())
        assert not shown(secrets, said.encode()), name


def test_no_address_shows_a_secret(ended_run, secrets):
    stack, paths = ended_run.stack, ("/metrics", "/livez", "/readyz", "/", "/debug", "/config", "/env")
    services = [*(service for site in stack.hospitals for service in site.services), stack.centre.federation]
    for service, path in itertools.product(services, paths):
        assert not shown(secrets, request(service.port, path)[1]), (service.name, path)
    for watcher in filter(None, (stack.centre.alertmanager, stack.centre.prometheus)):
        for path in ("/metrics", "/api/v1/status/config", "/api/v1/targets", "/api/v2/status"):
            assert not shown(secrets, request(watcher.port, path)[1]), (watcher.name, path)


def test_the_services_metrics_ports_show_metrics_and_health_and_nothing_else(ended_run):
    for service in ended_run.stack.hospitals[0].services:
        assert request(service.port, "/metrics")[0] == 200
        for path in ("/studies", "/config", "/env", "/metrics/../config", "/debug/pprof"):
            assert request(service.port, path)[0] == 404, (service.name, path)


def test_stow_wants_tls_and_its_token(ended_run):
    hospital = ended_run.stack.hospitals[0]
    port, context = (
        hospital.services[0].doors["STOW_PORT"],
        ssl.create_default_context(cafile=hospital.authority.trusted),
    )
    assert request(port, "/studies", method="POST")[0] == 0
    assert request(port, "/studies", method="POST", context=context)[0] == 401
