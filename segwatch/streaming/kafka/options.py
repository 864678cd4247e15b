"""How kafka-python is set up: every time-out with its reason, and the ways to connect.

Seen with kafka-python 3.0.12 against Kafka 4.3: its defaults are for throughput and for patience; a stage
wants a short hop, a quick return after a broker's restart, and an end to every wait.
"""

from typing import Any

from segwatch.errors import BadSettings
from segwatch.streaming.kafka.credentials import PasswordInFile, RenewedContext
from segwatch.streaming.settings import ConnectionSettings

BOOTSTRAP_MS = 10_000
"""A broker answers in milliseconds. A wrong password or CA shows as silence only, so waiting longer than for
a busy one helps nobody; the default is 30 s."""
REQUEST_MS = 30_000
"""A broker that is rolled away moves its partitions in seconds; the client tries again by itself."""
RETRY_MS = 10
"""Waits between retries inside the client; the default of 100 ms is felt in every hop after a rebalance."""
RECONNECT_MOST_MS = 2_000
"""A broker that is back is found within two seconds; the default lets it be missed for 30 s."""
DELIVERY_MS = 60_000
"""How long a record may wait for its acknowledgement, with the client's own retries: a broker's restart."""
BLOCK_MS = 20_000
"""How long a send may wait for metadata before anything is sent."""
ACKNOWLEDGE_SECONDS = DELIVERY_MS / 1000 + 5
"""The client gives up by itself after DELIVERY_MS; a little more, so that its own reason is what we hear."""
SESSION_MS = 45_000
"""How long a dead member keeps its partitions. A static one that starts again within it changes nothing."""
SHARE_SESSION_MS = 20_000
"""How long a dead member of those who share topics out keeps its part, which nobody watches meanwhile."""
HEARTBEAT_MS = 3_000
"""How soon a member learns of a rebalance, and a fenced one that it is fenced."""
POLL_INTERVAL_MS = 300_000
"""How long the main loop may stay away; it never does for long, the watchdog sees to that."""
METADATA_MS = 30_000
"""How late it is noticed that a topic was deleted and made again; the default is five minutes."""
COMMIT_MS = 20_000
"""A commit takes milliseconds; beyond this the coordinator is away, and the loop tries again itself."""
LOOK_MS = 10_000
"""For questions about offsets: nothing waits for their answers."""


def connection(settings: ConnectionSettings) -> dict[str, Any]:
    """What every client is told: where, and as whom.

    Raises:
        BadSettings: a certificate, key or secret cannot be used.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": servers(settings),
        "security_protocol": settings.kafka_security,
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
        "request_timeout_ms": REQUEST_MS,
        "retry_backoff_ms": RETRY_MS,
        "metadata_max_age_ms": METADATA_MS,
        "reconnect_backoff_max_ms": RECONNECT_MOST_MS,
    }
    if settings.kafka_security != "PLAINTEXT":
        options["ssl_context"] = RenewedContext(settings)
    if settings.kafka_security == "SASL_SSL":
        assert settings.kafka_password_file is not None
        options["sasl_mechanism"] = "SCRAM-SHA-512"
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = PasswordInFile(settings.kafka_password_file)
    return options


def servers(settings: ConnectionSettings) -> list[str]:
    """The brokers to ask first, as `host:port`.

    Raises:
        BadSettings: one has no port.
    """
    assert settings.kafka_bootstrap is not None
    listed = [server.strip() for server in settings.kafka_bootstrap.split(",") if server.strip()]
    for server in listed:
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit():
            raise BadSettings(f"SEGWATCH_KAFKA_BOOTSTRAP: {server!r} is not host:port")
    return listed
