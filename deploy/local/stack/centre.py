"""The centre of the local stack: its log, federation, Prometheus, Alertmanager, and the pager."""

from collections.abc import Sequence
from pathlib import Path

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.certificates import Authority
from deploy.local.kafka.log_address import LogAddress
from deploy.local.kafka.rights import give_rights
from deploy.local.machine import binaries
from deploy.local.machine.folders import RULES
from deploy.local.machine.supervisor import StackPart
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from deploy.manifests.access import centre
from segwatch.streaming.topics import make_centre_topics

SCRAPE_EVERY = "1s"


class Centre:
    """The centre. `folder` holds everything that it has.

    Args:
        folder: made where it is missing.
        webhook: where Alertmanager posts pages.
        embedded: whether the log is a file instead of a broker.
    """

    def __init__(self, folder: Path, webhook: str, *, embedded: bool) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True)
        self.authority = None if embedded else Authority(self.folder / "keys", "central")
        self.broker = self._make_broker()
        self.place = self.broker.place if self.broker else LogAddress(file=self.folder / "log.sqlite")
        self.federation = Service(
            "central", "federation", self.known_as("federation"), {}, self.folder / "logs"
        )
        self.alertmanager = self._make_alertmanager(webhook)
        self.prometheus = self._make_prometheus()

    def make_topics(self, sites: Sequence[str]) -> None:
        """Make each hospital's release topic, which the bridge may not, and give the rights."""
        with self.place.open() as log:
            make_centre_topics(log, sites)
        give_rights(self.place, centre(sites))

    def known_as(self, principal: str) -> LogAddress:
        """The centre's log as one of its principals, such as a hospital, comes to it."""
        return self.place.known_as(self.authority.issue(principal) if self.authority else None)

    @property
    def watchers(self) -> list[StackPart]:
        """Prometheus and Alertmanager, as far as they can be had."""
        return [part for part in (self.alertmanager, self.prometheus) if part is not None]

    @property
    def pages(self) -> bool:
        """Whether a page can come."""
        return self.alertmanager is not None and self.prometheus is not None

    def addresses(self) -> dict[str, str]:
        """Where the centre can be reached."""
        return {
            "federation metrics": f"http://{self.federation.metrics}/metrics",
            **({"Prometheus": self.prometheus.url} if self.prometheus else {}),
            **({"Alertmanager": f"http://{self.alertmanager.address}"} if self.alertmanager else {}),
        }

    def _make_broker(self) -> Broker | None:
        if self.authority is None:
            return None
        return Broker(self.folder / "broker", name="central broker", authority=self.authority)

    def _make_alertmanager(self, webhook: str) -> Alertmanager | None:
        binary = binaries.find(binaries.ALERTMANAGER)
        return Alertmanager(binary, self.folder / "alertmanager", webhook) if binary else None

    def _make_prometheus(self) -> Prometheus | None:
        binary = binaries.find(binaries.PROMETHEUS)
        if binary is None:
            return None
        config = configuration(
            [Target("federation", self.federation.metrics)],
            RULES / "centre.yaml",
            every=SCRAPE_EVERY,
            alertmanager=self.alertmanager.address if self.alertmanager else None,
        )
        return Prometheus("central prometheus", binary, self.folder / "prometheus", config)
