"""The settings of the component `plain-kafka`: one broker and the bridge, as they are on a server.

Where a pod has its files is said in the component's own manifests.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.local.kafka.bridge import connector_settings, worker_settings
from deploy.local.kafka.broker import LOG_CONFIG, ONE_NODE, THE_RECORD
from deploy.local.kafka.listeners import secured
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.setting_lines import setting_lines
from segwatch.keeper.certificates import secrets_of
from segwatch.streaming.access import BROKER, HOSPITAL, PLATFORM
from segwatch.streaming.authority import Identity

BOOTSTRAP = "log-kafka-bootstrap:9093"
PORT, CONTROLLER_PORT = 9093, 9090
SECRETS = "/run/secrets"
ENVIRONMENT = {
    "config.providers": "env",
    "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    "config.providers.env.param.allowlist.pattern": "SITE|CENTRE_KAFKA",
}
"""What the overlay sets for the connector stands in the pod's environment."""


def broker_settings() -> dict[str, str]:
    """Kafka's: one node, which clients come to by the Service's name."""
    return {
        **ONE_NODE,
        **THE_RECORD,
        **secured(PORT, CONTROLLER_PORT, _shown(BROKER, "broker"), _shown(PLATFORM, "platform")),
        "listeners": f"SSL://:{PORT},CONTROLLER://127.0.0.1:{CONTROLLER_PORT}",
        "advertised.listeners": f"SSL://{BOOTSTRAP}",
        "log.dirs": "/var/lib/kafka/data/log",
    }


def files() -> dict[str, str]:
    """The files of the component that follow from the code, by their name."""
    here = LogAddress(BOOTSTRAP, identity=_shown("bridge", "hospital"))
    theirs = LogAddress("${env:CENTRE_KAFKA}", identity=_shown("centre", "centre"))
    worker = worker_settings(here, Path("/var/lib/bridge/offsets"))
    # Whoever speaks to its door could have more copied: nobody outside its pod can.
    worker |= {"listeners": "http://127.0.0.1:8083", **ENVIRONMENT}
    orders = connector_settings("${env:SITE}", hospital=here, centre=theirs)
    return {
        "server.properties": setting_lines(broker_settings()),
        "worker.properties": setting_lines(worker),
        "connector.json": json.dumps(orders, indent=2) + "\n",
        "log4j2.xml": LOG_CONFIG.read_text(),
    }


def empty_secrets(principals: Iterable[str] = HOSPITAL) -> list[dict[str, Any]]:
    """The Secrets that the keeper fills, and its right to do so: these by their names, and no other."""
    names = secrets_of(principals)
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "log-keeper"},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": names,
                    "verbs": ["get", "patch"],
                }
            ],
        },
        *({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}} for name in names),
    ]


def _shown(name: str, folder: str) -> Identity:
    """A principal's files where its pod has them."""
    at = Path(SECRETS) / folder
    return Identity(name, at / "ca.crt", at / "user.crt", at / "user.key", at / "user.pem")
