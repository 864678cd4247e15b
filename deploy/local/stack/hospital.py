"""One hospital of the local stack: its log, its five services, its way out, its own Prometheus."""

import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.alerting.contacts import Contact, Contacts
from deploy.local.kafka.bridge import Bridge
from deploy.local.kafka.cluster import Cluster
from deploy.local.kafka.copier import Copier
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine import binaries
from deploy.local.machine.folders import RULES
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.supervisor import Program
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from segwatch.streaming.platform import lay_out

SCRAPE_EVERY = "5s"
DOORS = "doors"
"""Whose certificate C-STORE and STOW-RS show."""
DOOR_PORTS = ("DICOM_PORT", "STOW_PORT")


@dataclass(frozen=True)
class SiteSettings:
    """What a hospital decides.

    Attributes:
        lesion_model: bundle folder of the lesion model; None where every study brings its mask.
        scorer: bundle folder of the scorer.
        policy: the site's privacy policy.
        noise_seed: fixes the noise of a demo policy; None where the noise is secret, as it is in hospitals.
        ct_unit: what the CTs' values are (`auto`, `hu`, `display`).
        lung_weights: lungmask's weights, where there are any, and
        lung_weights_sha256: their sha256.
        quiet_seconds: how long a case must not have changed before it is taken.
        shadow: bundle folder of a second scorer, which changes nothing; None where there is none.
        doors: whether C-STORE and STOW-RS are open beside the inbox, over TLS where there is an authority.
    """

    lesion_model: Path | None
    scorer: Path
    policy: Path
    noise_seed: int | None = None
    ct_unit: str = "auto"
    lung_weights: Path | None = None
    lung_weights_sha256: str | None = None
    quiet_seconds: float = 1.0
    shadow: Path | None = None
    doors: bool = False


class Hospital(Cluster):
    """One hospital. `folder` holds everything that it has.

    Its services are made when they are first asked for: they are told the broker's address, which holds when
    the broker is up.

    Args:
        name: the site's name.
        folder: made where it is missing.
        settings: what it decides.
        embedded: whether the log is a file instead of a broker.
        webhook: where its own Alertmanager posts pages; None where it has none.

    Attributes:
        way_out: what carries its releases to the centre, once it is made.
    """

    def __init__(
        self, name: str, folder: Path, settings: SiteSettings, *, embedded: bool, webhook: str | None = None
    ) -> None:
        super().__init__(name, folder, embedded=embedded)
        self._webhook = webhook
        self.way_out: Program | None = None
        self.inbox = self.folder / "inbox"
        self.store = self.folder / "store"
        self.logs = self.folder / "logs"
        self.audit_log = self.folder / "audit.jsonl"
        self._settings = settings
        for made in (self.inbox, self.store, self.logs):
            made.mkdir(parents=True)

    def make_topics(self) -> None:
        """Make the hospital's topics, and give its principals their rights.

        One partition each: the studies of the story then keep one order on their whole way, so that the same
        seeds give the same blocks.
        """
        lay_out(self.log_address.settings, partitions=1)

    def make_way_out(self, centre: LogAddress) -> Program:
        """What carries the release topic to the centre: MirrorMaker, or the copier of the embedded log.

        Args:
            centre: the centre's log, as this hospital comes to it.
        """
        if self.broker is None:
            self.way_out = Copier(self.name, self.log_address, centre, self.logs / "copier.log")
        else:
            hospital = self.known_as("bridge")
            self.way_out = Bridge(self.name, self.folder / "bridge", hospital=hospital, centre=centre)
        return self.way_out

    @cached_property
    def alertmanager(self) -> Alertmanager | None:
        """The hospital's own: what it posts stays in the hospital. None where it cannot be had."""
        binary = binaries.find(binaries.ALERTMANAGER)
        if binary is None or self._webhook is None:
            return None
        contacts = Contacts(page=Contact(webhooks=[self._webhook]))
        return Alertmanager(f"{self.name} alertmanager", binary, self.folder / "alertmanager", contacts)

    def make_prometheus(self) -> Prometheus | None:
        """The hospital's own Prometheus: it sees everything live, and nobody outside sees it.

        None where it cannot be had.
        """
        binary = binaries.find(binaries.PROMETHEUS)
        if binary is None:
            return None
        targets = [Target(service.service, service.address, self.name) for service in self.services]
        config = configuration(
            targets,
            [RULES / "hospital.yaml", RULES / "ground.yaml"],
            every=SCRAPE_EVERY,
            alertmanager=self.alertmanager.address if self.alertmanager else None,
        )
        return Prometheus(f"{self.name} prometheus", binary, self.folder / "prometheus", config)

    def addresses(self) -> dict[str, str]:
        """Where the hospital can be reached."""
        doors = {
            name.removesuffix("_PORT"): f"{LOOPBACK}:{port}"
            for service in self.services
            for name, port in service.doors.items()
        }
        if doors and self.authority is not None:
            doors["their authority"] = str(self.authority.trusted)
        metrics = {f"{each.service} metrics": f"http://{each.address}/metrics" for each in self.services}
        return {"inbox": str(self.inbox), **doors, **metrics}

    @cached_property
    def services(self) -> list[Service]:
        """The five, in a study's order."""
        site = self._settings
        store = {"STORE": str(self.store)}
        models = {
            "LESION_MODEL": str(site.lesion_model or ""),
            "LUNG_WEIGHTS": str(site.lung_weights or ""),
            "LUNG_WEIGHTS_SHA256": site.lung_weights_sha256 or "",
        }
        seed = {"DEMO_NOISE_SEED": str(site.noise_seed)} if site.noise_seed is not None else {}
        settings: dict[str, dict[str, str]] = {
            "ingest": {**store, **self._ingest_settings()},
            "segmentation": {**store, **models, "THREADS": "1"},
            "features": store,
            "scoring": {
                "SCORER": str(site.scorer),
                **({"SHADOW_SCORER": str(site.shadow)} if site.shadow else {}),
            },
            "aggregation": {"POLICY": str(site.policy), "AUDIT_LOG": str(self.audit_log), **seed},
        }
        doors = {"ingest": DOOR_PORTS} if site.doors else {}
        return [
            Service(self.name, name, self.known_as(name), given, self.logs, doors=doors.get(name, ()))
            for name, given in settings.items()
        ]

    def _ingest_settings(self) -> dict[str, str]:
        settings = {
            "INBOX": str(self.inbox),
            "PSEUDONYM_SECRET_FILE": str(self._secret("pseudonym-secret")),
            "QUIET_SECONDS": str(self._settings.quiet_seconds),
            "CT_UNIT": self._settings.ct_unit,
        }
        if self._settings.doors:
            settings["STOW_TOKEN_FILE"] = str(self._secret("stow-token"))
        if self._settings.doors and self.authority is not None:
            shown = self.authority.issue(DOORS)
            settings |= {"TLS_CERT_FILE": str(shown.certificate), "TLS_KEY_FILE": str(shown.key)}
        return settings

    def _secret(self, name: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n")
        return path
