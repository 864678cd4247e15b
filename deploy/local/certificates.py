"""Certificates of the local stack, made by openssl at start: an authority a hospital, and one for the centre.

In Kubernetes Strimzi makes them, in the same form: PEM, the principal's name as the common name.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.process import NotReady

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = 365
"""A stack that `make up` left running for longer is started again first."""
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

    Raises:
        NotReady: openssl is missing or refuses.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.certificate = self.folder / "ca.crt"
        self._key = self.folder / "ca.key"
        self._openssl("-subj", f"/CN={name} authority", out=self.certificate, key=self._key)

    def issue(self, name: str) -> Identity:
        """A new key and certificate for a principal; issued again, the same files hold the new ones.

        Each is for client and server alike, under the loopback address.
        """
        made = self.identity(name)
        signed = ("-CA", str(self.certificate), "-CAkey", str(self._key))
        names = ("-addext", f"subjectAltName=IP:{LOOPBACK}", "-addext", "basicConstraints=critical,CA:FALSE")
        new_key, new = (path.with_suffix(path.suffix + ".new") for path in (made.key, made.certificate))
        self._openssl("-subj", f"/CN={name}", *signed, *names, out=new, key=new_key)
        store = made.store.with_suffix(".new")
        store.touch(OWNER_ONLY)
        store.write_text(new_key.read_text() + new.read_text())
        for fresh, place in ((new_key, made.key), (new, made.certificate), (store, made.store)):
            fresh.replace(place)
        return made

    def identity(self, name: str) -> Identity:
        """Where a principal's files lie."""
        at = self.folder / name
        return Identity(
            name,
            self.certificate,
            at.with_name(f"{name}.crt"),
            at.with_name(f"{name}.key"),
            at.with_name(f"{name}.pem"),
        )

    def _openssl(self, *words: str, out: Path, key: Path) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            raise NotReady(
                "openssl is not on the PATH, so the brokers can have no certificates"
                " (Debian: apt-get install openssl; or LOG=embedded)"
            )
        key.touch(OWNER_ONLY)
        command = [openssl, "req", "-x509", *NEW_KEY, "-days", str(DAYS), *words]
        done = subprocess.run(
            [*command, "-keyout", str(key), "-out", str(out)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NotReady(f"openssl could not make {out}:\n{done.stderr.strip()}")
