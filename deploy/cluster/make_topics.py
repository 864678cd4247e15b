"""Run by a job in the cluster: makes the topics and rights that the manifests name. Safe to run again."""

import json
import sys
import time
from pathlib import Path

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError

TRIES = 60


def connected() -> KafkaAdminClient:
    """As the principal that may make everything, once the broker is up."""
    for _ in range(TRIES):
        try:
            return KafkaAdminClient(
                bootstrap_servers="log-kafka-bootstrap:9093",
                security_protocol="SSL",
                ssl_cafile="/etc/user/ca.crt",
                ssl_certfile="/etc/user/user.crt",
                ssl_keyfile="/etc/user/user.key",
            )
        except KafkaError as error:
            sys.stdout.write(f"waiting for the broker: {error!r}\n")
            time.sleep(2)
    sys.exit("the broker did not come up")


def main() -> None:
    """Make what is missing."""
    wanted = json.loads(Path("/etc/make/wanted.json").read_text())
    admin = connected()
    there = set(admin.list_topics())
    new = [
        NewTopic(
            name=each["name"],
            num_partitions=each["partitions"],
            replication_factor=1,
            topic_configs=each["config"],
        )
        for each in wanted["topics"]
        if each["name"] not in there
    ]
    if new:
        admin.create_topics(new)
    admin.create_acls(
        [
            ACL(
                f"User:{each['user']}",
                "*",
                ACLOperation[each["operation"]],
                ACLPermissionType.ALLOW,
                ResourcePattern(
                    ResourceType[each["type"]], each["name"], ACLResourcePatternType[each["pattern"]]
                ),
            )
            for each in wanted["rights"]
        ]
    )


if __name__ == "__main__":
    main()
