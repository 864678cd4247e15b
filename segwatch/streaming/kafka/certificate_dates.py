"""Whether a certificate's own time is over: a broker that refuses it does not say why."""

import ssl
from pathlib import Path

_ROUNDS = 4
"""A handshake needs two flights from each side."""
_DATES = ("expired", "not yet valid")


def out_of_date(certificate: Path, key: Path) -> str | None:
    """What is wrong with the certificate's dates; None where they are good, or cannot be looked at.

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
