"""Why a broker cannot be reached: kafka-python says only that it could not bootstrap in time."""

import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

_ROUNDS = 4
"""A handshake needs two flights from each side."""
_DATES = ("expired", "not yet valid")
CONNECT_SECONDS = 3.0
"""A network that drops packets shows by silence; one that works answers in milliseconds."""
ALERT_SECONDS = 1.0
"""In TLS 1.3 a server refuses a missing client certificate only after the handshake: wait for its alert."""
_CERTIFICATE_ALERTS = re.compile("certificate|unknown ca|handshake failure", re.IGNORECASE)
"""How servers say that a client's certificate is missing or not theirs; Java's says "bad certificate"."""


def unreachable(servers: Sequence[str]) -> str | None:
    """Why none of the servers takes a connection; None where one does."""
    reasons = []
    for server in servers:
        try:
            _connect(server).close()
        except OSError as error:
            reasons.append(f"{server}: {_why_not(error)}")
        else:
            return None
    return "; ".join(reasons)


def likely_cause(
    servers: Sequence[str],
    security: str,
    context: ssl.SSLContext | None,
    shown: tuple[Path, Path] | None = None,
) -> str:
    """Why a server that takes connections does not let us in, as far as can be seen from outside.

    Args:
        servers: `host:port` each.
        security: the security protocol.
        context: what TLS is spoken with.
        shown: files of the certificate that we show and of its key.
    """
    if shown is not None and (wrong := _out_of_date(*shown)) is not None:
        return f"our own {wrong}: SEGWATCH_KAFKA_CERT_FILE={shown[0]} must be renewed"
    if context is not None:
        for server in servers:
            refusal = _tls_refusal(server, context)
            if refusal is not None:
                return f"{server}: {refusal}"
    if security == "SASL_SSL":
        return (
            "TLS works, so the user name or the password is wrong (SEGWATCH_KAFKA_USERNAME,"
            " SEGWATCH_KAFKA_PASSWORD_FILE), or SCRAM-SHA-512 is not enabled there"
        )
    if security == "SSL":
        return (
            "TLS works, so the listener may ask for a client certificate (SEGWATCH_KAFKA_CERT_FILE) or for"
            " a password (SEGWATCH_KAFKA_SECURITY=SASL_SSL), or the broker's advertised address may not be"
            " reachable from here"
        )
    return (
        "the port is open but does not answer in plain Kafka: it may want TLS"
        " (SEGWATCH_KAFKA_SECURITY=SSL or SASL_SSL), be no Kafka broker, or be too busy to answer"
    )


def _tls_refusal(server: str, context: ssl.SSLContext) -> str | None:
    host = server.rpartition(":")[0]
    try:
        with _connect(server) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
            secure.settimeout(ALERT_SECONDS)
            secure.recv(1)
    except TimeoutError:
        return None
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not accepted ({error.verify_message}): see that SEGWATCH_KAFKA_CA_FILE is"
            " the CA that signed it, and that it bears the name in SEGWATCH_KAFKA_BOOTSTRAP"
        )
    except ssl.SSLError as error:
        if _CERTIFICATE_ALERTS.search(str(error)):
            return (
                "it wants a client certificate that it knows: see SEGWATCH_KAFKA_CERT_FILE and"
                " SEGWATCH_KAFKA_KEY_FILE"
            )
        if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error):
            return "it does not speak TLS: use its TLS port, or SEGWATCH_KAFKA_SECURITY=PLAINTEXT"
        return f"TLS fails: {error.reason or error}"
    except OSError as error:
        return f"the connection breaks off during TLS ({_why_not(error)}): it may not be a TLS port"
    return None


def _connect(server: str) -> socket.socket:
    host, _, port = server.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS)


def _why_not(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host name"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, TimeoutError):
        return "no answer, as with a firewall or a network policy in between"
    return error.strerror or str(error)


def _out_of_date(certificate: Path, key: Path) -> str | None:
    """What is wrong with the certificate's dates, which a broker that refuses it does not say; None where
    they are good, or cannot be looked at.

    It is shown to a server in this process that trusts it as it is, so that only its dates are left
    to be checked.
    """
    try:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        server.load_verify_locations(certificate)
        server.verify_mode = ssl.CERT_REQUIRED
        server.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.load_cert_chain(certificate, key)
        _shake(client, server)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message if any(each in error.verify_message for each in _DATES) else None
    except (OSError, ssl.SSLError):
        return None
    return None


def _shake(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True))
    for end in ends * _ROUNDS:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
