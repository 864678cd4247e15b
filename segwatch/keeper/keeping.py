"""The keeper's rounds: certificates, then topics and rights.

Whoever has a renewed certificate sees it himself: services at their next connection, broker and bridge by a
probe that ends them (k8s/components/plain-kafka).
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from segwatch.errors import LogRefused, SegwatchError, Transient
from segwatch.keeper.certificates import keep_certificates
from segwatch.keeper.secrets import Secrets
from segwatch.streaming.access import HOSPITAL, centre
from segwatch.streaming.platform import lay_out
from segwatch.streaming.settings import ConnectionSettings

ROUND_SECONDS = 600.0
"""What somebody took away is made again within it; certificates have 60 days left when they are renewed."""
PAUSE_SECONDS = 5.0
"""Before what did not work is tried again, as while the broker starts."""


def keep(
    secrets: Secrets,
    folder: Path,
    bootstrap: str,
    sites: Sequence[str] | None,
    hosts: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Go round for ever. The file `ready` is in the folder while the last round was well.

    Args:
        secrets: of our namespace. folder: for keys, while they are worked with.
        bootstrap: the broker, `host:port`.
        sites: those that a centre expects; None in a hospital.
        hosts: further names that the broker is called by.
        say: told what was made, and what is waited for.
    """
    ready = folder / "ready"
    while True:
        try:
            for line in one_round(secrets, folder, bootstrap, sites, hosts):
                say(line)
            if not ready.exists():
                say("certificates, topics and rights are as they must be")
            ready.touch()
        except SegwatchError as error:
            ready.unlink(missing_ok=True)
            say(f"{error}; tried again in {PAUSE_SECONDS:.0f} s")
            if not isinstance(error, (Transient, LogRefused)):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            time.sleep(ROUND_SECONDS)


def one_round(
    secrets: Secrets, folder: Path, bootstrap: str, sites: Sequence[str] | None, hosts: Sequence[str]
) -> list[str]:
    """See once that all is as it must be; what was done.

    Raises:
        Transient: Kubernetes or the broker is away.
        LogRefused: the broker did not take it.
        BadSettings: a Secret is not there or not ours, or there is no openssl.
    """
    principals = HOSPITAL if sites is None else centre(sites)
    host, _, _ = bootstrap.rpartition(":")
    inside = f"{host}.{secrets.namespace}"
    known = [host, inside, f"{inside}.svc", f"{inside}.svc.cluster.local", *hosts]
    platform = keep_certificates(secrets, folder, principals, known)
    settings = ConnectionSettings.model_validate(
        {
            "kafka_bootstrap": bootstrap,
            "kafka_security": "SSL",
            "kafka_ca_file": platform.ca,
            "kafka_cert_file": platform.certificate,
            "kafka_key_file": platform.key,
        }
    )
    return [f"made {name}" for name in lay_out(settings, sites)]
