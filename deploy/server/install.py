"""Installing on one server: users, folders, secrets, certificates, settings, units.

Run again, it renews what is made from the settings, and leaves secrets, certificates, data and edited
files alone.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contact, Contacts, read_contacts
from deploy.alerting.rules import linked, rule_file
from deploy.local.machine.folders import POLICIES
from deploy.local.machine.setting_lines import setting_lines
from deploy.local.stack.prometheus import Target, configuration
from deploy.server import kafka, systemd
from deploy.server.certificates import make_certificates, put
from deploy.server.layout import (
    ALERTMANAGER_PORT,
    CENTRE,
    DATA,
    DOORS,
    ETC,
    GROUP,
    HTTP_PORTS,
    SECRETS,
    STORE_GROUP,
    SYSUSERS,
    TLS,
    UNITS,
    Kind,
    Layout,
    user_of,
)
from deploy.server.settings import K8S, environments_of, way_to_the_centre
from deploy.server.units import Daemon, programs, sysusers, target, unit
from segwatch.errors import BadInput
from segwatch.files import write_whole
from segwatch.streaming.access import BROKER

SCRAPE_EVERY = "15s"
SECRET = tuple(f"{folder}/" for folder in (TLS, SECRETS, DOORS, CENTRE))
"""Where what lies is one program's, but for the authority that all trust."""
SECRET_FILES = ("pseudonym-secret", "stow-token")
POLICY = POLICIES / "default.yaml"
STOP_RULE = K8S / "overlays" / "hospital" / "stop-rule.yaml"
FOLDERS = {"inbox": "ingest", "audit": "aggregation", "kafka": "kafka", "bridge": "bridge"}
"""Whose each folder below `DATA` is."""
Say = Callable[[str], None]


def install(kind: Kind, edited: Mapping[str, str], layout: Layout, say: Say) -> list[Daemon]:
    """Make everything but the program itself, which lies in `/opt/segwatch` already.

    Args:
        kind: hospital or centre.
        edited: the settings.
        layout: where; another root than `/` is for trying.
        say: told each step in a line.

    Raises:
        BadInput: the settings, contacts or policy are not what they must be.
    """
    environments = environments_of(kind, edited)
    if not edited.get("SITE"):
        raise BadInput("SITE is not set: the name that the centre knows this site by")
    found = programs(kind, list(environments), edited)
    real = layout.root == Path("/")
    _write(layout, SYSUSERS, sysusers(found))
    if real:
        _make_users(found)
        say(f"users: {', '.join(user_of(each.name) for each in found)}")
    _make_folders(layout, kind, found, real=real)
    say(f"folders: {DATA}, {ETC}")
    _make_secrets(layout, kind)
    make_certificates(layout, kind, edited)
    say(f"secrets and certificates: {SECRETS}, {TLS} (made where they were missing, renewed before they end)")
    for name, text in _made(kind, edited, environments, layout).items():
        _write(layout, name, text)
    for program in found:
        _write(layout, f"{UNITS}/segwatch-{program.name}.service", unit(program))
    _write(layout, f"{UNITS}/segwatch.target", target())
    _remove_others(layout, found, real=real)
    _give_away(layout, found, real=real)
    say(f"{len(found)} units: {UNITS}/segwatch-*.service, segwatch.target")
    return found


def uninstall(layout: Layout, say: Say) -> None:
    """Stop and remove units and program; settings, secrets, users and data stay.

    Raises:
        BadInput: something does not stop; nothing is removed then.
    """
    units = [
        each for name in ("segwatch.target", "segwatch-*.service") for each in layout.at(UNITS).glob(name)
    ]
    if layout.root == Path("/"):
        systemd.stop([each.name for each in units])
    for each in units:
        each.unlink()
    layout.at(SYSUSERS).unlink(missing_ok=True)
    shutil.rmtree(layout.at("/opt/segwatch"), ignore_errors=True)
    say(f"units and program are gone; {DATA} and {ETC} (data, settings, secrets) are as they were")


def _made(
    kind: Kind, edited: Mapping[str, str], environments: Mapping[str, Mapping[str, str]], layout: Layout
) -> dict[str, str]:
    """Each file that follows from the settings, by where it lies."""
    contacts = _contacts(layout)
    rules = f"{ETC}/prometheus/{kind}.yaml"
    site = edited["SITE"] if kind == "hospital" else None
    targets = [Target(each, f"127.0.0.1:{HTTP_PORTS[each]}", site) for each in environments]
    scraped = configuration(
        targets,
        [Path(rules)],
        every=SCRAPE_EVERY,
        alertmanager=f"127.0.0.1:{ALERTMANAGER_PORT}",
    )
    made = {
        f"{ETC}/kafka/server.properties": kafka.properties(kind, edited),
        f"{ETC}/kafka/platform.properties": kafka.platform_client(),
        rules: _yaml(linked(rule_file(kind), kind, contacts.links)),
        f"{ETC}/prometheus/prometheus.yml": _yaml(scraped),
        f"{ETC}/alertmanager/alertmanager.yml": _yaml(alertmanager(contacts)),
        f"{ETC}/sites": edited.get("SITES", "") + "\n",
    }
    for service, settings in environments.items():
        made[f"{ETC}/settings/{service}.env"] = setting_lines(settings)
    if kind == "hospital" and edited.get("CENTRE_KAFKA"):
        made |= kafka.bridge_files(edited)
        made[f"{ETC}/settings/bridge.env"] = setting_lines(way_to_the_centre(edited))
    return made


def _contacts(layout: Layout) -> Contacts:
    file = layout.at(f"{ETC}/contacts.yaml")
    if file.exists():
        return read_contacts(file)
    example = Contacts(page=Contact(webhooks=["http://127.0.0.1:9096/"]))
    _write(
        layout,
        f"{ETC}/contacts.yaml",
        "# Who is told; docs/alerting.md explains each line.\n"
        + _yaml({"page": {"webhooks": ["http://127.0.0.1:9096/"]}}),
    )
    return example


def _make_users(found: Sequence[Daemon]) -> None:
    if shutil.which("systemd-sysusers"):
        subprocess.run(["systemd-sysusers", SYSUSERS], check=True, capture_output=True)
        return
    for group in (GROUP, STORE_GROUP):  # without systemd: a container, or a trial
        subprocess.run(["groupadd", "--system", "--force", group], check=True, capture_output=True)
    for each in found:
        if subprocess.run(["id", user_of(each.name)], check=False, capture_output=True).returncode:
            words = ["--system", "--home-dir", DATA, "--no-create-home", "--shell", "/usr/sbin/nologin"]
            subprocess.run(
                ["useradd", *words, "-G", GROUP, user_of(each.name)], check=True, capture_output=True
            )


def _make_folders(layout: Layout, kind: Kind, found: Sequence[Daemon], *, real: bool) -> None:
    for folder in (ETC, TLS, SECRETS, DOORS, CENTRE, f"{ETC}/settings", f"{ETC}/authority"):
        layout.at(folder).mkdir(parents=True, exist_ok=True, mode=0o750)
    layout.at(f"{ETC}/authority").chmod(0o700)
    names = {each.name for each in found}
    owners = {**FOLDERS, "prometheus": "prometheus", "alertmanager": "alertmanager"}
    for folder, owner in owners.items():
        if owner in names:
            _folder(layout, folder, user_of(owner), GROUP, 0o750, real=real)
    if kind == "hospital":
        _folder(layout, "models", "root", GROUP, 0o750, real=real)
        # Who writes there leaves what the others of the group may read, and segmentation may add to.
        _folder(layout, "store", user_of("ingest"), STORE_GROUP, 0o2770, real=real)


def _folder(layout: Layout, name: str, user: str, group: str, mode: int, *, real: bool) -> None:
    path = layout.at(f"{DATA}/{name}")
    path.mkdir(parents=True, exist_ok=True)
    if real:
        shutil.chown(path, user, group)
    path.chmod(mode)


def _make_secrets(layout: Layout, kind: Kind) -> None:
    for name in SECRET_FILES if kind == "hospital" else ():
        path = layout.at(f"{SECRETS}/{name}")
        if not path.exists():
            put(f"{secrets.token_hex(32)}\n".encode(), path)
    files = {"policy.yaml": POLICY, "stop-rule.yaml": STOP_RULE} if kind == "hospital" else {}
    for name, source in files.items():
        path = layout.at(f"{ETC}/{name}")
        if not path.exists():
            write_whole(path, source.read_bytes())
            path.chmod(0o640)
    cluster = f"{ETC}/kafka/cluster.env"
    if not layout.at(cluster).exists():
        _write(layout, cluster, kafka.new_cluster())


def _give_away(layout: Layout, found: Sequence[Daemon], *, real: bool) -> None:
    """Each file to the one user that reads it; what several read to their group.

    A secret that no program here reads, as a hospital's key at the centre, is root's alone.
    """
    owners = {
        f"{TLS}/{BROKER}.": "kafka",
        f"{SECRETS}/": "ingest",
        f"{DOORS}/": "ingest",
        f"{CENTRE}/": "bridge",
    }
    owners |= {f"{TLS}/{each.name}.": each.name for each in found}
    names = {each.name for each in found}
    for path in sorted(layout.at(ETC).rglob("*")):
        inside = f"/{path.relative_to(layout.root)}" if layout.root != Path("/") else str(path)
        if inside.startswith(f"{ETC}/authority"):
            continue
        secret = path.is_file() and inside.startswith(SECRET) and inside != f"{TLS}/ca.crt"
        owner = next((name for start, name in owners.items() if inside.startswith(start)), None)
        if real:
            os.chown(path, *_ids(user_of(owner) if secret and owner in names else "root"))
        path.chmod(0o750 if path.is_dir() else 0o400 if secret else 0o640)


def _ids(user: str) -> tuple[int, int]:
    import grp
    import pwd

    return pwd.getpwnam(user).pw_uid, grp.getgrnam(GROUP).gr_gid


def _remove_others(layout: Layout, found: Sequence[Daemon], *, real: bool) -> None:
    """Units of an earlier installation that the settings ask for no more: what they run ends first, since a
    bridge that goes on running goes on sending."""
    wanted = {f"segwatch-{each.name}.service" for each in found}
    others = [each for each in layout.at(UNITS).glob("segwatch-*.service") if each.name not in wanted]
    if real:
        systemd.stop([each.name for each in others])
    for each in others:
        each.unlink()


def _write(layout: Layout, name: str, text: str) -> None:
    path = layout.at(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    if name.startswith((UNITS, SYSUSERS)):
        path.chmod(0o644)


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=110)
