"""A Prometheus of the local stack: the centre's, which sees federation only, or a hospital's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK, free_ports
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program


@dataclass(frozen=True)
class Target:
    """One scraped process: its job is the service's name."""

    job: str
    address: str
    site: str | None = None


class Prometheus(Program):
    """One Prometheus server.

    Args:
        name: how it is called in messages.
        binary: the program.
        folder: its configuration, data and log.
        config: see `configuration`.
    """

    def __init__(self, name: str, binary: Path, folder: Path, config: dict[str, Any]) -> None:
        (self.port,) = free_ports(1)
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        command = [
            str(binary),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--log.level=warn",
        ]
        super().__init__(
            Launch(
                name,
                command,
                base_environment(),
                folder / "prometheus.log",
                lambda: is_ok(self.port, "/-/ready"),
            )
        )

    @property
    def url(self) -> str:
        """Its page."""
        return f"http://{LOOPBACK}:{self.port}"


def configuration(
    targets: Sequence[Target], rules: Path, *, every: str, alertmanager: str | None
) -> dict[str, Any]:
    """What Prometheus is told.

    Args:
        targets: what is scraped.
        rules: the rule file.
        every: how often it scrapes and looks at the rules (`1s`).
        alertmanager: where alerts are posted, `host:port`; nowhere where None.
    """
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        if alertmanager
        else {},
        "scrape_configs": [
            {
                "job_name": target.job,
                "static_configs": [
                    {"targets": [target.address], "labels": {"site": target.site} if target.site else {}}
                ],
            }
            for target in targets
        ],
    }
