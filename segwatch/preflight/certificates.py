"""Certificates and authorities: there, readable, with their key, holding on, and for the right name."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from segwatch.errors import BadSettings
from segwatch.preflight.findings import Finding, fault, ok, unknown
from segwatch.preflight.network import PATIENCE_SECONDS, split
from segwatch.streaming.certificate_files import (
    load_authorities,
    load_certificate,
    names_of,
)
from segwatch.streaming.ground import end_of

SOON_DAYS = 21
"""As the alert SegwatchCertificateEnding."""
DAY = 86400.0
_WRONG_NAME = frozenset({62, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH (openssl's x509_vfy.h)."""
_OUT_OF_DATE = frozenset({9, 10})


def certificates(files: Mapping[str, str], now: float | None = None) -> Iterator[Finding]:
    """Each certificate or authority that settings name.

    Args:
        files: paths by setting; those that end in `CERT_FILE` have a key in `KEY_FILE`.
        now: a Unix time.
    """
    for setting, path in files.items():
        if setting.endswith("KEY_FILE"):
            continue
        yield _one(setting, Path(path), time.time() if now is None else now)
        key = files.get(setting.replace("CERT_FILE", "KEY_FILE"))
        if setting.endswith("CERT_FILE") and key is not None:
            yield from _with_its_key(setting, Path(path), Path(key))


def ending(called: str, end: float, now: float) -> Finding:
    """What a certificate's end means."""
    days = (end - now) / DAY
    day = time.strftime("%Y-%m-%d", time.gmtime(end))
    if days > SOON_DAYS:
        return ok("certificate", f"{called} holds until {day}")
    when = f"ends in {days:.0f} days, on {day}" if days > 0 else f"ended on {day}"
    return fault(
        "certificate", f"{called} {when}", "renew it: new connections show the new file, without a restart"
    )


def served(address: str, called: str, ca: Path, shown: tuple[Path, Path] | None = None) -> Finding:
    """Whether a TLS server's certificate is by the authority, for its name, and in its time."""
    host, port = split(address)
    context = ssl.create_default_context()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        load_authorities(context, ca, "the authority")
        if shown is not None:
            load_certificate(context, shown[0], shown[1], "our certificate")
        with socket.create_connection((host, port), PATIENCE_SECONDS) as plain:
            context.wrap_socket(plain, server_hostname=host).close()
    except BadSettings as error:
        return fault("ca", str(error), "put the authority's certificate there, in PEM")
    except ssl.SSLCertVerificationError as error:
        return _refused(error, f"{called} at {address}", host, ca)
    except OSError as error:
        return unknown(
            "certificate", f"{called} at {address}: no TLS came about: {error}", "see its port and log"
        )
    return ok("certificate", f"{called} at {address} shows a certificate of its name by {ca}")


def door(certificate: Path, called: str) -> Finding:
    """Whether ingest's certificate is for the name that senders call it by."""
    names = names_of(certificate)
    wild = f"*.{called.partition('.')[2]}"
    if called in names or wild in names:
        return ok("certificate", f"{certificate} is for {called}")
    return fault(
        "certificate",
        f"{certificate} is for {', '.join(sorted(names)) or 'nobody'}, and senders call {called}",
        f"have it issued for {called} (subjectAltName), or let senders call its name",
    )


def _one(setting: str, path: Path, now: float) -> Finding:
    check = "ca" if "CA_FILE" in setting else "certificate"
    if not path.is_file():
        return fault(check, f"{setting}: there is no file {path}", "copy it there, readable by the service")
    end = end_of(path)
    if end is None:
        return fault(
            check, f"{setting}: {path} holds no certificate in PEM", "copy the certificate there, in PEM"
        )
    return ending(f"{setting}={path}", end, now)


def _with_its_key(setting: str, path: Path, key: Path) -> Iterator[Finding]:
    try:
        load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), path, key, setting)
    except BadSettings as error:
        yield fault("certificate", str(error), "copy certificate and key anew, as a pair")


def _refused(error: ssl.SSLCertVerificationError, where: str, host: str, ca: Path) -> Finding:
    if error.verify_code in _WRONG_NAME:
        return fault(
            "certificate",
            f"{where} shows a certificate of another name ({error.verify_message})",
            f"call it by a name in its certificate, or have it issued for {host}",
        )
    if error.verify_code in _OUT_OF_DATE:
        return fault("certificate", f"{where}: {error.verify_message}", "renew it there, and see both clocks")
    return fault(
        "ca", f"{where} is not by {ca} ({error.verify_message})", "take the CA's certificate from who runs it"
    )
