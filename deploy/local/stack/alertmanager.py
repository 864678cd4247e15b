"""Alertmanager of the local stack, with the configuration that operators get, pointed at the pager."""

from pathlib import Path
from string import Template

from deploy.local.machine.folders import ROOT
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program

TEMPLATE = ROOT / "deploy" / "alertmanager" / "alertmanager.yaml"


class Alertmanager(Program):
    """One Alertmanager, without a cluster.

    Args:
        binary: the program.
        folder: its configuration, data and log.
        webhook: the address that it posts pages to.
    """

    def __init__(self, binary: Path, folder: Path, webhook: str) -> None:
        super().__init__("central alertmanager", ports=1)
        self._binary = binary
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "alertmanager.yml"
        self._config.write_text(Template(TEMPLATE.read_text()).substitute(WEBHOOK_URL=webhook))

    def recipe(self) -> Launch:
        """The program; Prometheus posts alerts to its port."""
        command = [
            str(self._binary),
            f"--config.file={self._config}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        log = self._folder / "alertmanager.log"
        return Launch(command, base_environment(), log, lambda: is_ok(self.port, "/-/ready"))
