"""The authority of a server, and what it issues: made where it is missing, renewed before it ends."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.server.layout import DOORS, ETC, TLS, Kind, Layout
from segwatch.contracts.topics import listed_sites
from segwatch.files import whole_file
from segwatch.streaming.access import BROKER, HOSPITAL, PLATFORM, centre
from segwatch.streaming.authority import AUTHORITY_DAYS, Authority
from segwatch.streaming.certificate_files import decoded


def make_certificates(layout: Layout, kind: Kind, edited: Mapping[str, str]) -> None:
    """The authority, and the certificate of each principal of the log and of ingest's doors."""
    authority = Authority(layout.at(f"{ETC}/authority"), edited["SITE"], AUTHORITY_DAYS)
    sites = listed_sites(edited.get("SITES", ""))
    table = centre(sites) if kind == "centre" else HOSPITAL
    put(authority.trusted.read_bytes(), layout.at(f"{TLS}/ca.crt"))
    for name in (BROKER, PLATFORM, *table):
        made = authority.kept(name, [edited["NAME"]] if name == BROKER and edited.get("NAME") else [])
        for file in (made.certificate, made.key, made.store):
            put(file.read_bytes(), layout.at(f"{TLS}/{file.name}"))
    if kind == "hospital":
        _make_doors(layout, authority, [edited["CALLED_AS"]] if edited.get("CALLED_AS") else [])


def put(content: bytes, path: Path) -> None:
    """A file of its owner's only, there whole or not at all; one that says the same is left alone."""
    if path.exists() and path.read_bytes() == content:
        return
    with whole_file(path, durable=True) as beside:
        beside.touch(0o600)
        beside.write_bytes(content)


def _make_doors(layout: Layout, authority: Authority, hosts: Sequence[str]) -> None:
    """By the site's own authority until the hospital's gives one: the doors are never plain."""
    shown = layout.at(f"{DOORS}/tls.crt")
    if shown.exists() and decoded(shown)["issuer"] != decoded(authority.trusted)["subject"]:
        return
    made = authority.kept("doors", hosts)
    put(made.key.read_bytes(), layout.at(f"{DOORS}/tls.key"))
    put(made.certificate.read_bytes(), shown)
