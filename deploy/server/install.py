"""Installing on one server: users, folders, secrets, certificates, settings, units.

What the settings ask for is planned first, and nothing is written before all of it is known to be sound
(`deploy.server.plan`). Run again, it renews what is made from the settings, and leaves secrets, certificates,
data and edited files alone.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from deploy.local.machine.folders import POLICIES
from deploy.server import kafka, systemd
from deploy.server.certificates import make_certificates, put
from deploy.server.layout import (
    CENTRE,
    COMMAND,
    CONTACTS,
    DATA,
    DOORS,
    ETC,
    GROUP,
    INBOX_GROUP,
    OPERATOR,
    PROGRAMS,
    SECRETS,
    STORE_GROUP,
    SYSUSERS,
    TLS,
    UNITS,
    Kind,
    Layout,
    user_of,
)
from deploy.server.plan import NOBODY_YET, ServerPlan, files
from deploy.server.settings import K8S
from deploy.server.unit_files import MEMBERS, TARGET, groups_of, sysusers, unit_files, users
from deploy.server.units import Daemon
from segwatch.files import write_whole
from segwatch.streaming.access import BROKER

SECRET = tuple(f"{folder}/" for folder in (TLS, SECRETS, DOORS, CENTRE))
"""Where what lies is one program's, but for the authority that all trust."""
SECRET_FILES = ("pseudonym-secret", "stow-token")
POLICY = POLICIES / "default.yaml"
STOP_RULE = K8S / "overlays" / "hospital" / "stop-rule.yaml"
AS = Path(__file__).with_name("segwatch-as.sh")
FOLDERS = {
    "audit": "aggregation",
    **{name: name for name in ("kafka", "bridge", "prometheus", "alertmanager")},
    "backups": "backup",
}
"""Whose each folder below `DATA` is."""
Say = Callable[[str], None]


def install(plan: ServerPlan, layout: Layout, say: Say) -> None:
    """Make everything but the program itself, which lies in `/opt/segwatch` already.

    Args:
        plan: what is to be there.
        layout: where; another root than `/` is for trying.
        say: told each step in a line.
    """
    found, real = plan.programs, layout.root == Path("/")
    _write(layout, SYSUSERS, sysusers(found))
    if real:
        names = users(found)
        _make_users(names)
        say(f"users: {', '.join(map(user_of, names))}")
    _make_folders(layout, plan.kind, found, real=real)
    say(f"folders: {DATA}, {ETC}")
    _make_secrets(layout, plan.kind)
    make_certificates(layout, plan.kind, plan.edited)
    say(f"secrets and certificates: {SECRETS}, {TLS} (made where they were missing, renewed before they end)")
    _make_contacts(layout)
    for name, text in files(plan).items():
        _write(layout, name, text)
    units = unit_files(found)
    for name, text in units.items():
        _write(layout, f"{UNITS}/{name}", text)
    _write(layout, COMMAND, AS.read_text())
    layout.at(COMMAND).chmod(0o755)
    _remove_others(layout, set(units), real=real)
    _give_away(layout, found, real=real)
    say(f"{len(found)} units: {UNITS}/segwatch-*.service, segwatch.target")


def uninstall(layout: Layout, say: Say) -> None:
    """Stop and remove units and program; settings, secrets, users and data stay.

    Raises:
        BadInput: something does not stop; nothing is removed then.
    """
    units = units_of(layout)
    if layout.root == Path("/"):
        systemd.remove([each.name for each in units])
    for each in units:
        each.unlink()
    if layout.root == Path("/"):
        systemd.forget()
    for name in (SYSUSERS, COMMAND):
        layout.at(name).unlink(missing_ok=True)
    shutil.rmtree(layout.at(PROGRAMS), ignore_errors=True)
    say(f"units and program are gone; {DATA} and {ETC} (data, settings, secrets) are as they were")


def units_of(layout: Layout) -> list[Path]:
    """The units that are there, all of segwatch's."""
    return [each for name in (TARGET, "segwatch-*") for each in layout.at(UNITS).glob(name)]


def _make_contacts(layout: Layout) -> None:
    if not layout.at(CONTACTS).exists():
        text = yaml.safe_dump(NOBODY_YET, sort_keys=False)
        _write(layout, CONTACTS, f"# Who is told; docs/alerting.md explains each line.\n{text}")


def _make_users(names: Iterable[str]) -> None:
    if shutil.which("systemd-sysusers"):
        subprocess.run(["systemd-sysusers", SYSUSERS], check=True, capture_output=True)
        return
    for group in MEMBERS:  # without systemd: a container, or a trial
        subprocess.run(["groupadd", "--system", "--force", group], check=True, capture_output=True)
    for name in names:
        if subprocess.run(["id", user_of(name)], check=False, capture_output=True).returncode:
            words = ["--system", "--home-dir", DATA, "--no-create-home", "--shell", "/usr/sbin/nologin"]
            words += ["-G", ",".join(groups_of(name)), user_of(name)]
            subprocess.run(["useradd", *words], check=True, capture_output=True)


def _make_folders(layout: Layout, kind: Kind, found: Sequence[Daemon], *, real: bool) -> None:
    for folder in (ETC, TLS, SECRETS, DOORS, CENTRE, f"{ETC}/settings", f"{ETC}/authority"):
        layout.at(folder).mkdir(parents=True, exist_ok=True, mode=0o750)
    layout.at(f"{ETC}/authority").chmod(0o700)
    names = {each.name for each in found}
    for folder, owner in FOLDERS.items():
        if owner in names:
            _folder(layout, folder, user_of(owner), GROUP, 0o750, real=real)
    if kind == "hospital":
        _folder(layout, "models", user_of(OPERATOR), GROUP, 0o750, real=real)
        _folder(layout, "inbox", user_of("ingest"), INBOX_GROUP, 0o2770, real=real)
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
    names = users(found)
    owners |= {f"{TLS}/{name}.": name for name in names}
    etc = layout.at(ETC)
    for path in (etc, *sorted(etc.rglob("*"))):
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


def _remove_others(layout: Layout, wanted: set[str], *, real: bool) -> None:
    """Units of an earlier installation that the settings ask for no more: what they run ends first, since a
    bridge that goes on running goes on sending."""
    others = [each for each in units_of(layout) if each.name not in wanted]
    if real:
        systemd.remove([each.name for each in others])
    for each in others:
        each.unlink()


def _write(layout: Layout, name: str, text: str) -> None:
    path = layout.at(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    if name.startswith((UNITS, SYSUSERS)):
        path.chmod(0o644)
