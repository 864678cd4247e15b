"""A Prometheus of the local stack: the centre's, which sees federation only, or a hospital's own."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program

RESEND_DELAY = "5m"
"""An alert of which Alertmanager has not heard for four times as long is over for it (Prometheus' own rule).
The last time was up to one such delay ago. So a Prometheus may be away for a quarter of an hour, and no page
is said to be over because nobody was looking."""


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
        resend_delay: how often it tells Alertmanager of an alert that stands.
        retention: how long it remembers.
    """

    def __init__(
        self,
        name: str,
        binary: Path,
        folder: Path,
        config: dict[str, Any],
        *,
        resend_delay: str = RESEND_DELAY,
        retention: str = "15d",
    ) -> None:
        super().__init__(name, ports=1)
        self._binary = binary
        self._resend_delay = resend_delay
        self._retention = retention
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "prometheus.yml"
        self._config.write_text(yaml.safe_dump(config, sort_keys=False))

    def forget(self) -> None:
        """Throw away all that it has stored; it must not run."""
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    def recipe(self) -> Launch:
        """The program; its page is at its port."""
        command = [
            str(self._binary),
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={self._retention}",
            f"--web.listen-address={self.address}",
            f"--rules.alert.resend-delay={self._resend_delay}",
            "--log.level=warn",
            *_pages(self._binary),
        ]
        log = self._folder / "prometheus.log"
        return Launch(command, base_environment(), log, lambda: is_ok(self.port, "/-/ready"))


def _pages(binary: Path) -> list[str]:
    """Debian's has its pages beside it, also where it is unpacked and not installed."""
    assets = binary.resolve().parents[1] / "share" / "prometheus" / "web"
    return [f"--web.local-assets={assets}"] if assets.is_dir() else []


def configuration(
    targets: Sequence[Target], rules: Sequence[Path], *, every: str, alertmanager: str | None
) -> dict[str, Any]:
    """Prometheus' configuration.

    Args:
        targets: what is scraped.
        rules: the rule files.
        every: how often it scrapes and looks at the rules (`1s`).
        alertmanager: where alerts are posted, `host:port`; nowhere where None.
    """
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": list(map(str, rules)),
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
