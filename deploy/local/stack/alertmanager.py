"""An Alertmanager of the local stack, with the routes that operators get, told to tell whom contacts name."""

from pathlib import Path

import yaml

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contacts
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program

WRITTEN_EVERY = "1m"
"""How often it writes down whom it has told of what, and silences. One that was killed tells again what it
told since."""


class Alertmanager(Program):
    """One Alertmanager, without a cluster.

    Args:
        name: how it is called in messages.
        binary: the program.
        folder: its configuration, data and log.
        contacts: who is told.
    """

    def __init__(self, name: str, binary: Path, folder: Path, contacts: Contacts) -> None:
        super().__init__(name, ports=1)
        self._binary = binary
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "alertmanager.yml"
        self._config.write_text(yaml.safe_dump(alertmanager(contacts), sort_keys=False))

    def recipe(self) -> Launch:
        """The program; Prometheus posts alerts to its port."""
        command = [
            str(self._binary),
            f"--config.file={self._config}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            f"--data.maintenance-interval={WRITTEN_EVERY}",
            "--log.level=warn",
        ]
        log = self._folder / "alertmanager.log"
        return Launch(command, base_environment(), log, lambda: is_ok(self.port, "/-/ready"))
