"""How a broker of the local stack is reached: in plaintext, or by TLS with certificates and an authoriser."""

from deploy.local.machine.ports import LOOPBACK
from segwatch.streaming.authority import Identity

Settings = dict[str, str]
AUTHORISER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


def plaintext(port: int, controller_port: int) -> Settings:
    """No door at all: for tests that are about something else."""
    return _listeners("PLAINTEXT", port, controller_port)


def secured(port: int, controller_port: int, broker: Identity, platform: Identity) -> Settings:
    """TLS with a certificate of the cluster's authority on every listener, the controller's too.

    A plaintext controller listener would let anybody who reaches it change rights and topics.

    Args:
        port: where clients come.
        controller_port: where the controller listens.
        broker: what it shows.
        platform: who may do everything beside the broker, as Strimzi's operators may.
    """
    return _listeners("SSL", port, controller_port) | {
        **stores("", broker),
        "ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.enabled.protocols": "TLSv1.3,TLSv1.2",
        "authorizer.class.name": AUTHORISER,
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"{broker.principal};{platform.principal}",
    }


def stores(prefix: str, identity: Identity) -> Settings:
    """Java's settings for what a program shows and whom it trusts; the files hold no password."""
    return {
        f"{prefix}ssl.keystore.type": "PEM",
        f"{prefix}ssl.keystore.location": str(identity.store),
        f"{prefix}ssl.truststore.type": "PEM",
        f"{prefix}ssl.truststore.location": str(identity.ca),
    }


def with_hospitals_door(settings: Settings, known_as: str, port: int) -> Settings:
    """A centre's, which hospitals come to from outside under a name or an address."""
    return settings | {
        "listeners": f"{settings['listeners']},HOSPITALS://:{port}",
        "advertised.listeners": f"{settings['advertised.listeners']},HOSPITALS://{known_as}:{port}",
        "listener.security.protocol.map": f"{settings['listener.security.protocol.map']},HOSPITALS:SSL",
    }


def _listeners(protocol: str, port: int, controller_port: int) -> Settings:
    return {
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"{protocol}://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"{protocol}://{LOOPBACK}:{port}",
        "listener.security.protocol.map": f"{protocol}:{protocol},CONTROLLER:{protocol}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": protocol,
    }
