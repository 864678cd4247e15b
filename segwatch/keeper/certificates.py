"""The authority in its Secret, and each principal's certificate in its own, as Strimzi names them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from segwatch.keeper.secrets import Secrets
from segwatch.streaming.access import BROKER, PLATFORM
from segwatch.streaming.authority import AUTHORITY_DAYS, OWNER_ONLY, Authority, Identity

AUTHORITY = "log-cluster-ca"
TRUSTED = "log-cluster-ca-cert"
CA = "ca.crt"


def secrets_of(principals: Iterable[str]) -> list[str]:
    """The names of all that are needed, in the order in which they are filled.

    What everybody trusts is last: pods wait for it, and so find their own certificate when they start.
    """
    return [AUTHORITY, BROKER, *principals, TRUSTED]


def entries_of(made: Identity) -> dict[str, Path]:
    """The entries of a principal's Secret, and the files that they are read from.

    For Java `user.pem` is key and certificate in one; Strimzi writes a PKCS #12 and its password instead.
    """
    return {CA: made.ca, "user.crt": made.certificate, "user.key": made.key, "user.pem": made.store}


def keep_certificates(
    secrets: Secrets, folder: Path, principals: Iterable[str], hosts: Sequence[str]
) -> Identity:
    """See that each Secret holds what it must; the platform's identity, which has no Secret.

    Args:
        secrets: of our namespace.
        folder: for keys, while they are worked with.
        principals: of the log.
        hosts: the names that the broker is called by.
    """
    authority = _authority(secrets, folder)
    for name in (BROKER, *principals):
        made, seen = authority.identity(name), secrets.read(name)
        if seen.entries.get(CA) == authority.trusted.read_bytes():
            _lay({path: seen.entries.get(entry) for entry, path in entries_of(made).items() if entry != CA})
        authority.kept(name, hosts if name == BROKER else ())
        entries = {entry: path.read_bytes() for entry, path in entries_of(made).items()}
        if not entries.items() <= seen.entries.items():
            secrets.fill(name, entries, seen)
    seen, trusted = secrets.read(TRUSTED), {CA: authority.trusted.read_bytes()}
    if not trusted.items() <= seen.entries.items():
        secrets.fill(TRUSTED, trusted, seen)
    return authority.kept(PLATFORM)


def _authority(secrets: Secrets, folder: Path) -> Authority:
    """The one that the Secret holds; a new one, kept there before it signs anything, where it holds none."""
    seen = secrets.read(AUTHORITY)
    files = {"ca.crt": folder / Authority.CERTIFICATE, "ca.key": folder / Authority.KEY}
    if files.keys() <= seen.entries.keys():
        _lay({path: seen.entries[entry] for entry, path in files.items()})
        _lay({folder / CA: seen.entries[CA]})
        return Authority(folder, "log")
    authority = Authority(folder, "log", AUTHORITY_DAYS)
    secrets.fill(AUTHORITY, {entry: path.read_bytes() for entry, path in files.items()}, seen)
    return authority


def _lay(files: Mapping[Path, bytes | None]) -> None:
    for path, content in files.items():
        if content is not None:
            path.touch(OWNER_ONLY)
            path.write_bytes(content)
