"""Giving the principals of a broker their rights, from the table that Kubernetes' users are made from too."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from deploy.local.kafka.certificates import principal_of
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.process import NotReady
from segwatch.streaming.access import Access, grants
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import connection

ANY_HOST = "*"


def give_rights(broker: LogAddress, principals: Mapping[str, Access]) -> None:
    """Allow each principal what the table says; nothing is done where the broker asks nobody's name.

    Args:
        broker: as one who may give them.
        principals: rights by name.

    Raises:
        NotReady: the broker did not take one of them.
    """
    if broker.identity is None:
        return
    rules = [rule for name, access in principals.items() for rule in _rules(name, access)]
    with translated("giving rights"):
        admin = KafkaAdminClient(**connection(broker.settings))
        try:
            failed = admin.create_acls(rules)["failed"]
        finally:
            admin.close()
    if failed:
        raise NotReady(f"{broker.bootstrap} did not take {len(failed)} of {len(rules)} rights: {failed[0]}")


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
