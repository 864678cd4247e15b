"""One hospital of the local stack: its log, its five services, its way out, its own Prometheus."""

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.kafka.bridge import Bridge
from deploy.local.kafka.broker import Broker
from deploy.local.kafka.certificates import Authority
from deploy.local.kafka.log_address import LogAddress
from deploy.local.kafka.rights import give_rights
from deploy.local.machine.folders import RULES
from deploy.local.machine.ports import LOOPBACK, free_ports
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program, StackPart
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from deploy.manifests.access import HOSPITAL
from segwatch.streaming.topics import make_hospital_topics

SCRAPE_EVERY = "5s"
DOORS = "doors"
"""Whose certificate C-STORE and STOW-RS show."""


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
    doors: bool = False


class Hospital:
    """One hospital. `folder` holds everything that it has."""

    def __init__(self, name: str, folder: Path, settings: SiteSettings, *, embedded: bool) -> None:
        self.name = name
        self.folder = folder.resolve()
        self.inbox = self.folder / "inbox"
        self.store = self.folder / "store"
        self.logs = self.folder / "logs"
        self.audit_log = self.folder / "audit.jsonl"
        self._settings = settings
        self.authority = None if embedded else Authority(self.folder / "keys", name)
        self.broker = self._make_broker()
        for made in (self.inbox, self.store, self.logs):
            made.mkdir(parents=True)
        self.doors = (
            dict(zip(("DICOM_PORT", "STOW_PORT"), free_ports(2), strict=True)) if settings.doors else {}
        )
        self.place = self.broker.place if self.broker else LogAddress(file=self.folder / "log.sqlite")
        self.services = self._make_services()

    def make_topics(self) -> None:
        """Make the hospital's topics, and give its principals their rights.

        One partition each: the studies of the story then keep one order on their whole way, so that the same
        seeds give the same blocks.
        """
        with self.place.open() as log:
            make_hospital_topics(log)
        give_rights(self.place, HOSPITAL)

    def known_as(self, principal: str) -> LogAddress:
        """The hospital's log as one of its principals comes to it."""
        return self.place.known_as(self.authority.issue(principal) if self.authority else None)

    def way_out(self, centre: LogAddress) -> StackPart:
        """What carries the release topic to the centre: MirrorMaker, or the copier of the embedded log.

        Args:
            centre: the centre's log, as this hospital comes to it.
        """
        if self.broker is not None and centre.bootstrap is not None:
            here = self.known_as("bridge")
            return Bridge(
                self.name,
                self.folder / "bridge",
                hospital=self.broker.bootstrap,
                centre=centre.bootstrap,
                here=here.identity,
                there=centre.identity,
            )
        command = [sys.executable, "-m", "deploy.local.kafka.copier", self.name]
        command += [str(self.place.file), str(centre.file)]
        log = self.logs / "copier.log"
        return Program(Launch(f"{self.name} copier", command, base_environment(), log, lambda: True))

    def prometheus(self, binary: Path) -> Prometheus:
        """The hospital's own Prometheus: it sees everything live, and nobody outside sees it."""
        targets = [Target(service.service, service.metrics, self.name) for service in self.services]
        config = configuration(targets, RULES / "hospital.yaml", every=SCRAPE_EVERY, alertmanager=None)
        return Prometheus(f"{self.name} prometheus", binary, self.folder / "prometheus", config)

    def addresses(self) -> dict[str, str]:
        """Where the hospital can be reached."""
        doors = {name.removesuffix("_PORT"): f"{LOOPBACK}:{port}" for name, port in self.doors.items()}
        if doors and self.authority is not None:
            doors["their authority"] = str(self.authority.trusted)
        metrics = {f"{each.service} metrics": f"http://{each.metrics}/metrics" for each in self.services}
        return {"inbox": str(self.inbox), **doors, **metrics}

    def _make_services(self) -> list[Service]:
        told = self._settings
        store = {"STORE": str(self.store)}
        models = {
            "LESION_MODEL": str(told.lesion_model or ""),
            "LUNG_WEIGHTS": str(told.lung_weights or ""),
            "LUNG_WEIGHTS_SHA256": told.lung_weights_sha256 or "",
        }
        seed = {"DEMO_NOISE_SEED": str(told.noise_seed)} if told.noise_seed is not None else {}
        settings: dict[str, dict[str, str]] = {
            "ingest": {**store, **self._ingest_settings()},
            "segmentation": {**store, **models, "THREADS": "1"},
            "features": store,
            "scoring": {"SCORER": str(told.scorer)},
            "aggregation": {
                "POLICY": str(told.policy),
                "AUDIT_LOG": str(self.audit_log),
                **seed,
            },
        }
        return [
            Service(self.name, service, self.known_as(service), own, self.logs)
            for service, own in settings.items()
        ]

    def _make_broker(self) -> Broker | None:
        if self.authority is None:
            return None
        return Broker(self.folder / "broker", name=f"{self.name} broker", authority=self.authority)

    def _ingest_settings(self) -> dict[str, str]:
        settings = {
            "INBOX": str(self.inbox),
            "PSEUDONYM_SECRET_FILE": str(self._secret("pseudonym-secret")),
            "QUIET_SECONDS": str(self._settings.quiet_seconds),
            "CT_UNIT": self._settings.ct_unit,
            **{name: str(port) for name, port in self.doors.items()},
        }
        if self.doors:
            settings["STOW_TOKEN_FILE"] = str(self._secret("stow-token"))
        if self.doors and self.authority is not None:
            shown = self.authority.issue(DOORS)
            settings |= {"TLS_CERT_FILE": str(shown.certificate), "TLS_KEY_FILE": str(shown.key)}
        return settings

    def _secret(self, name: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n")
        return path
