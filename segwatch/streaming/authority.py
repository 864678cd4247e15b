"""An authority and what it issues, made by openssl: where no Strimzi does it, in the same form.

That is PEM, with the principal's name as the common name.
"""

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from segwatch.errors import BadSettings
from segwatch.files import whole_file
from segwatch.streaming.certificate_files import names_of
from segwatch.streaming.ground import end_of

_HERE = "127.0.0.1"

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = 365
"""A stack that `make up` left running for longer is started again first."""
AUTHORITY_DAYS = 3650
"""Of an authority that stays: senders and whoever else holds its certificate would have to change it."""
RENEW_SECONDS = 60 * 86400.0
"""Before the end; the alert comes 21 days before it (SegwatchCertificateEnding)."""
TRUSTED = "ca.crt"
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Identity:
    """Who a program is, and whom it trusts. All files are PEM; those with a key are their owner's only.

    Attributes:
        name: the principal.
        ca: certificates of the authorities that it trusts.
        certificate: its own.
        key: its private key.
        store: key and certificate in one file, as Java reads them.
    """

    name: str
    ca: Path
    certificate: Path
    key: Path
    store: Path

    @classmethod
    def at(cls, folder: Path, name: str) -> "Identity":
        """Where an authority that keeps its files in a folder puts a principal's."""
        certificate, key, store = (folder / f"{name}.{kind}" for kind in ("crt", "key", "pem"))
        return cls(name, folder / TRUSTED, certificate, key, store)

    @property
    def principal(self) -> str:
        """How Kafka calls it: by the subject of its certificate."""
        return principal_of(self.name)


def principal_of(name: str) -> str:
    """What Kafka calls who shows a certificate of that name, here as with Strimzi's users."""
    return f"User:CN={name}"


class Authority:
    """Signs the certificates of one cluster: its broker's and its principals'.

    Args:
        folder: certificates and keys, readable by their owner alone; made where it is missing.
        name: of the authority, in its certificate.
        days: how long its own certificate holds; those that it issues hold `DAYS`.

    Attributes:
        trusted: the certificates that the cluster and its principals trust: this authority's, and
            while it is being replaced the next one's or the last one's.

    Raises:
        BadSettings: openssl is missing or refuses.
    """

    CERTIFICATE, KEY = "authority.crt", "authority.key"
    """Its files in the folder."""

    def __init__(self, folder: Path, name: str, days: int = DAYS) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.trusted = self.folder / TRUSTED
        self._name = name
        self._days = days
        self._certificate = self.folder / self.CERTIFICATE
        self._key = self.folder / self.KEY
        if not self._certificate.exists():  # made once: what it has signed goes on being trusted
            self._sign_itself(self._certificate, self._key)
            self.forget_the_last()

    def issue(self, name: str, hosts: Sequence[str] = ()) -> Identity:
        """A new key and certificate for a principal; issued again, the same files hold the new ones.

        Each is for client and server alike, under the loopback address and the names or addresses that are
        given.
        """
        made = self.identity(name)
        signed = ("-CA", str(self._certificate), "-CAkey", str(self._key))
        known = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in (_HERE, *hosts))
        names = ("-addext", f"subjectAltName={known}", "-addext", "basicConstraints=critical,CA:FALSE")
        new_key, new = _next(made.key), _next(made.certificate)
        self._sign("-subj", f"/CN={name}", *signed, *names, out=new, key=new_key)
        _replace(made.store, new_key.read_text() + new.read_text())
        new_key.replace(made.key)
        new.replace(made.certificate)
        return made

    def kept(self, name: str, hosts: Sequence[str] = ()) -> Identity:
        """A principal's certificate, issued anew where there is none, it ends soon or lacks a host."""
        made = self.identity(name)
        end = end_of(made.certificate)
        if end is None or end - time.time() < RENEW_SECONDS or not set(hosts) <= names_of(made.certificate):
            return self.issue(name, hosts)
        return made

    def announce_the_next(self) -> None:
        """Make the authority that will come after this one, and trust it too; this one still signs."""
        self._sign_itself(_next(self._certificate), _next(self._key))
        _replace(self.trusted, self._certificate.read_text() + _next(self._certificate).read_text())

    def hand_over(self) -> None:
        """From now on the next authority signs; what the last one signed is still trusted."""
        _next(self._key).replace(self._key)
        _next(self._certificate).replace(self._certificate)

    def forget_the_last(self) -> None:
        """Trust nothing any more that the last authority signed."""
        _replace(self.trusted, self._certificate.read_text())

    def identity(self, name: str) -> Identity:
        """Where a principal's files lie."""
        return Identity.at(self.folder, name)

    def _sign_itself(self, out: Path, key: Path) -> None:
        self._sign("-subj", f"/CN={self._name} authority", out=out, key=key, days=self._days)

    def _sign(self, *words: str, out: Path, key: Path, days: int = DAYS) -> None:
        key.touch(OWNER_ONLY)
        openssl("req", "-x509", *NEW_KEY, "-days", str(days), *words, "-keyout", str(key), "-out", str(out))


def openssl(*words: str) -> None:
    """Run openssl; secrets are given to it in files.

    Raises:
        BadSettings: it is missing or refuses.
    """
    program = shutil.which("openssl")
    if program is None:
        raise BadSettings(
            "openssl is not on the PATH, so the brokers can have no certificates"
            " (Debian: apt-get install openssl; or LOG=embedded)"
        )
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BadSettings(f"openssl {words[0]} failed:\n{done.stderr.strip()}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _replace(path: Path, text: str) -> None:
    """Write a file that may hold a key as a whole: nobody sees half of it, nobody else sees it at all."""
    with whole_file(path) as beside:
        beside.touch(OWNER_ONLY)
        beside.write_text(text)


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")
