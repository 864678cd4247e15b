"""Giving the principals of a broker their rights, from the table that Strimzi's users are made from too."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from segwatch.errors import LogRefused
from segwatch.streaming.access import Access, grants
from segwatch.streaming.authority import principal_of
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import connection
from segwatch.streaming.settings import ConnectionSettings

ANY_HOST = "*"


def give_rights(settings: ConnectionSettings, principals: Mapping[str, Access]) -> None:
    """Allow each principal what the table says; nothing is done where the broker asks nobody's name.

    Args:
        settings: of one who may give them.
        principals: rights by name.

    Raises:
        LogRefused: the broker did not take one of them.
    """
    if settings.kafka_security == "PLAINTEXT":
        return
    rules = [rule for name, access in principals.items() for rule in _rules(name, access)]
    with translated("giving rights"):
        admin = KafkaAdminClient(**connection(settings))
        try:
            failed = admin.create_acls(rules)["failed"]
        finally:
            admin.close()
    if failed:
        raise LogRefused(
            f"{settings.kafka_bootstrap} did not take {len(failed)} of {len(rules)} rights: {failed[0]}"
        )


def _rules(name: str, access: Access) -> list[Any]:
    return [
        ACL(
            principal=principal_of(name),
            host=ANY_HOST,
            operation=ACLOperation[operation.upper()],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(ResourceType[grant.kind.upper()], grant.name),
        )
        for grant in grants(access)
        for operation in grant.operations
    ]
