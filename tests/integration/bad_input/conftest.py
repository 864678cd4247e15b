"""One hospital's services as processes, on the embedded log; each study brings its own masks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.machine.loopback_http import request
from deploy.local.machine.supervisor import running
from deploy.local.stack.hospital import Hospital
from segwatch.contracts.envelope import Event, decode
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Log
from tests.support.one_pulse import SETTINGS
from tests.support.streaming import eventually, read_all

SECONDS = 90.0


@dataclass(frozen=True)
class Ward:
    """A running hospital, and what can be asked of it."""

    hospital: Hospital
    log: Log

    @property
    def inbox(self) -> Path:
        return self.hospital.inbox

    def receipt(self, case: str) -> dict[str, Any]:
        """What became of a case that was dropped, as soon as ingest says so."""
        path = self.inbox / ".receipts" / f"{case}.json"
        eventually(path.exists, SECONDS)
        return json.loads(path.read_text())

    def events(self, topic: str) -> list[Event[Any]]:
        """All readable events of a topic."""
        found = []
        for record in read_all(self.log, topic):
            with suppress(InvalidMessage):
                found.append(decode(topic, record.key, record.value, record.headers))
        return found

    def about(self, topic: str, study: str) -> Any:
        """The message about a study in a topic, as soon as it is there."""
        found: list[Any] = []

        def there() -> bool:
            found[:] = [event.data for event in self.events(topic) if event.key == study]
            return bool(found)

        eventually(there, SECONDS)
        return found[0]

    def letter(self, stage: str, error: str) -> dict[str, Any]:
        """The dead letter of a stage with an error, as the command line lists it."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [
                letter
                for letter in json.loads(self.segwatch("deadletters", "list", "--json").stdout)
                if (letter["stage"], letter["error"]) == (stage, error)
            ]
            return bool(found)

        eventually(there, SECONDS)
        return found[0]

    def segwatch(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The command line, in the environment that a pod of this hospital would have."""
        told = {**os.environ, **self.hospital.log_address.environment, "SEGWATCH_INBOX": str(self.inbox)}
        command = [Path(sys.executable).parent / "segwatch", *words]
        return subprocess.run(command, env=told, capture_output=True, text=True, check=False)

    def metrics(self, service: str) -> str:
        """The page that Prometheus scrapes of a service."""
        (found,) = (each for each in self.hospital.services if each.service == service)
        return request(found.port, "/metrics")[1].decode()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A hospital, started once for all tests of the file, so that one bad input could hurt another test's."""
    hospital = Hospital("hospital-a", tmp_path_factory.mktemp("ward") / "site", SETTINGS, embedded=True)
    hospital.make_topics()
    with running(*hospital.services), hospital.log_address.open() as log:
        yield Ward(hospital, log)
