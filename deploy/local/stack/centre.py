"""The centre of the local stack: its log, federation, Prometheus, Alertmanager, and the pager."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from deploy.alerting.contacts import Contact, Contacts
from deploy.local.kafka.cluster import Cluster
from deploy.local.machine import binaries
from deploy.local.machine.folders import RULES
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from segwatch.scoring.manifest import MANIFEST_FILE
from segwatch.streaming.platform import lay_out

SCRAPE_EVERY = "1s"


class Centre(Cluster):
    """The centre. `folder` holds everything that it has.

    Its programs are made when they are first asked for: each is told addresses of others, which hold when
    those are up. So the broker is started first, then federation and Alertmanager, then Prometheus.

    Args:
        folder: made where it is missing.
        webhook: where Alertmanager posts pages.
        scorer: the bundle that the sites serve, against whose training cohort drift is shown.
        embedded: whether the log is a file instead of a broker.
    """

    def __init__(self, folder: Path, webhook: str, *, scorer: Path | None = None, embedded: bool) -> None:
        super().__init__("central", folder, embedded=embedded)
        self._scorer = scorer
        self.folder.mkdir(parents=True, exist_ok=True)
        self._webhook = webhook

    def make_topics(self, sites: Sequence[str]) -> None:
        """Make each hospital's release topic, which the bridge may not, and give the rights."""
        lay_out(self.log_address.settings, sites)

    @cached_property
    def federation(self) -> Service:
        """The centre's one service."""
        told = {} if self._scorer is None else {"TRAINING_MANIFEST": str(self._scorer / MANIFEST_FILE)}
        return Service("central", "federation", self.known_as("federation"), told, self.folder / "logs")

    @cached_property
    def alertmanager(self) -> Alertmanager | None:
        """None where it cannot be had."""
        binary = binaries.find(binaries.ALERTMANAGER)
        if binary is None:
            return None
        contacts = Contacts(page=Contact(webhooks=[self._webhook]))
        return Alertmanager("central alertmanager", binary, self.folder / "alertmanager", contacts)

    @cached_property
    def prometheus(self) -> Prometheus | None:
        """None where it cannot be had."""
        binary = binaries.find(binaries.PROMETHEUS)
        if binary is None:
            return None
        config = configuration(
            [Target("federation", self.federation.address)],
            [RULES / "centre.yaml", RULES / "ground.yaml"],
            every=SCRAPE_EVERY,
            alertmanager=self.alertmanager.address if self.alertmanager else None,
        )
        return Prometheus("central prometheus", binary, self.folder / "prometheus", config)

    @property
    def pages(self) -> bool:
        """Whether a page can come."""
        return self.alertmanager is not None and self.prometheus is not None

    def addresses(self) -> dict[str, str]:
        """Where the centre can be reached."""
        return {
            "federation metrics": f"http://{self.federation.address}/metrics",
            **({"Prometheus": f"http://{self.prometheus.address}"} if self.prometheus else {}),
            **({"Alertmanager": f"http://{self.alertmanager.address}"} if self.alertmanager else {}),
        }
