"""Alertmanager of the local stack, with the configuration that operators get, pointed at the receiver."""

from pathlib import Path
from string import Template

from deploy.local.machine.folders import ROOT
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK, free_ports
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
        (self.port,) = free_ports(1)
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "alertmanager.yml"
        config.write_text(Template(TEMPLATE.read_text()).substitute(WEBHOOK_URL=webhook))
        command = [
            str(binary),
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        super().__init__(
            Launch(
                "central alertmanager",
                command,
                base_environment(),
                folder / "alertmanager.log",
                lambda: is_ok(self.port, "/-/ready"),
            )
        )

    @property
    def address(self) -> str:
        """Where Prometheus posts alerts: `host:port`."""
        return f"{LOOPBACK}:{self.port}"
