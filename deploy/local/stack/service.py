"""Starting a service as Kubernetes would: `python -m services.NAME`, told by its environment alone."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK, free_ports
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program

START_SECONDS = 180.0
"""Importing torch and nnU-Net takes 10 s alone, and a minute where every service of two hospitals starts on
two cores."""
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "BLOSC_NTHREADS",
    ),
    "1",
)
"""A dozen processes share two cores: more threads in each would only wait for one another."""


class Service(Program):
    """One service of one site.

    Args:
        site: the hospital's name, or `central`.
        service: the folder's name under `services/`.
        log: the site's log, and as whom the service comes to it.
        settings: the service's own settings, without the prefix.
        folder: where its output goes, as `SERVICE.log`.
    """

    def __init__(
        self, site: str, service: str, log: LogAddress, settings: Mapping[str, str], folder: Path
    ) -> None:
        (self.port,) = free_ports(1)
        self.service = service
        common = {
            "SEGWATCH_SITE": site,
            "SEGWATCH_MEMBER": f"{site}-{service}-0",
            "SEGWATCH_HTTP_HOST": LOOPBACK,
            "SEGWATCH_HTTP_PORT": str(self.port),
        }
        own = {f"SEGWATCH_{name}": value for name, value in settings.items()}
        super().__init__(
            Launch(
                name=f"{site} {service}",
                command=[sys.executable, "-m", f"services.{service}"],
                env={**base_environment(), **ONE_THREAD, **log.environment, **common, **own},
                log=folder / f"{service}.log",
                ready=lambda: is_ok(self.port, "/readyz"),
                seconds=START_SECONDS,
            )
        )

    @property
    def metrics(self) -> str:
        """Where Prometheus scrapes it: `host:port`."""
        return f"{LOOPBACK}:{self.port}"
