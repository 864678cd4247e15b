"""Starting a service as Kubernetes would: `python -m services.NAME`, told by its environment alone."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK
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
    """One service of one site; its first port is that of metrics and health.

    Args:
        site: the hospital's name, or `central`.
        service: the folder's name under `services/`.
        log: the site's log, and as whom the service comes to it.
        settings: the service's settings, without the prefix.
        folder: where its output goes, as `SERVICE.log`.
        doors: further settings, without the prefix, that are given a port each.
    """

    def __init__(
        self,
        site: str,
        service: str,
        log: LogAddress,
        settings: Mapping[str, str],
        folder: Path,
        *,
        doors: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{site} {service}", ports=1 + len(doors))
        self.service = service
        self._door_settings = doors
        self._output = folder / f"{service}.log"
        self._settings = {
            **settings,
            "SITE": site,
            "MEMBER": f"{site}-{service}-0",
            "HTTP_HOST": LOOPBACK,
        }
        self._log = log

    @property
    def doors(self) -> dict[str, int]:
        """The ports beside the first, by setting."""
        return dict(zip(self._door_settings, self.ports[1:], strict=True))

    def recipe(self) -> Launch:
        """The module in this Python, and nothing of this process's environment but what it needs."""
        told = {**self._settings, "HTTP_PORT": self.port, **self.doors}
        return Launch(
            command=[sys.executable, "-m", f"services.{self.service}"],
            env={
                **base_environment(),
                **ONE_THREAD,
                **self._log.environment,
                **{f"SEGWATCH_{name}": str(value) for name, value in told.items()},
            },
            log=self._output,
            ready=lambda: is_ok(self.port, "/readyz"),
            seconds=START_SECONDS,
        )
