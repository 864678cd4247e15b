"""The files of systemd's units, timers and users: how each program of the table is run and shut in."""

from collections.abc import Mapping, Sequence

from deploy.server.layout import (
    APP,
    DATA,
    ETC,
    GROUP,
    INBOX_GROUP,
    OPERATOR,
    STORE_GROUP,
    STORE_USERS,
    user_of,
)
from deploy.server.units import Daemon

TARGET = "segwatch.target"
WITH_THE_TARGET = ("", "[Install]", f"WantedBy={TARGET}")
LOCALHOST = "localhost"
MEMBERS: Mapping[str, tuple[str, ...]] = {
    GROUP: (),
    STORE_GROUP: STORE_USERS,
    INBOX_GROUP: ("ingest", OPERATOR),
}
"""Who is in each group; where none is named, all are."""
HARDENING = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectProc": "invisible",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "RemoveIPC": "yes",
    "KeyringMode": "private",
    "SystemCallArchitectures": "native",
    # Java, numba and torch make code as they run, so MemoryDenyWriteExecute cannot be had.
    "SystemCallFilter": "@system-service\nSystemCallFilter=~@privileged",
    "UMask": "0027",
    "IPAddressDeny": "any",
}


def unit_files(found: Sequence[Daemon]) -> dict[str, str]:
    """Each unit's file by its name, the target's and the timers' too."""
    timed = [each for each in found if each.at]
    return {
        TARGET: target(),
        **{f"segwatch-{each.name}.service": unit(each) for each in found},
        **{f"segwatch-{each.name}.timer": _timer(each) for each in timed},
    }


def started(found: Sequence[Daemon]) -> list[str]:
    """The units that start with the machine: programs, or the timers that start them."""
    return [f"segwatch-{each.name}.{'timer' if each.at else 'service'}" for each in found]


def unit(program: Daemon) -> str:
    """The unit's file."""
    after = " ".join(f"segwatch-{each}.service" for each in program.after)
    lines = [
        f"# Written by `python -m deploy.server`; settings are in {ETC}.",
        "[Unit]",
        f"Description=segwatch: {program.about}",
        "Documentation=file:/opt/segwatch/current/docs/operations/server.md",
        f"After=network-online.target {after}".rstrip(),
        "Wants=network-online.target",
        *([f"Wants={after}"] if after else []),
        f"PartOf={TARGET}",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        *_running(program),
        *(f"{name}={value}" for name, value in _hardening(program).items()),
        *([] if program.at else WITH_THE_TARGET),
    ]
    return "\n".join(lines) + "\n"


def _timer(program: Daemon) -> str:
    lines = [
        "[Unit]",
        f"Description=segwatch: {program.about}, {program.at}",
        f"PartOf={TARGET}",
        "",
        "[Timer]",
        f"OnCalendar={program.at}",
        "RandomizedDelaySec=30min",
        "Persistent=true",
        *WITH_THE_TARGET,
    ]
    return "\n".join(lines) + "\n"


def target() -> str:
    """All of them together."""
    return (
        "[Unit]\nDescription=segwatch\nAfter=network-online.target\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def sysusers(found: Sequence[Daemon]) -> str:
    """The users and groups, for systemd-sysusers(8)."""
    about = users(found)
    made = [f'u {user_of(name)} - "segwatch {does}" {DATA}' for name, does in about.items()]
    members = [f"m {user_of(name)} {group}" for name in about for group in groups_of(name)]
    return "\n".join([*(f"g {group} -" for group in MEMBERS), *made, *members]) + "\n"


def users(found: Sequence[Daemon]) -> dict[str, str]:
    """Whose each user is, and what it does: each program has its own, and who types commands."""
    return {each.name: each.about for each in found} | {OPERATOR: "commands"}


def groups_of(name: str) -> list[str]:
    """The groups that a user is in."""
    return [group for group, names in MEMBERS.items() if not names or name in names]


def _running(program: Daemon) -> list[str]:
    name, group = user_of(program.name), STORE_GROUP if program.name in STORE_USERS else GROUP
    # Ready only when a study in hand is done or handed back (segwatch/streaming/stopping.py).
    if program.once:
        ends = ["Type=oneshot", *([] if program.at else ["RemainAfterExit=yes"])]
    else:
        # Java ends with 143 where it is asked to.
        ends = ["Type=exec", "Restart=always", "RestartSec=5", "SuccessExitStatus=143"]
    return [
        *ends,
        f"User={name}",
        f"Group={group}",
        f"SupplementaryGroups={GROUP}",
        f"WorkingDirectory={APP}",
        *([f"EnvironmentFile={program.environment}"] if program.environment else []),
        *(f"Environment={key}={value}" for key, value in program.more.items()),
        *([f"ExecStartPre={program.before}"] if program.before else []),
        f"ExecStart={program.command}",
        "TimeoutStartSec=15min",
        "TimeoutStopSec=10min",
        "KillMode=mixed",
        *([f"MemoryMax={program.memory}"] if program.memory else []),
    ]


def _hardening(program: Daemon) -> dict[str, str]:
    made = {**HARDENING, "IPAddressAllow": " ".join((LOCALHOST, *program.lets_in))}
    if program.name in STORE_USERS:
        made["UMask"] = "0007"  # what one of them makes in the store, the next one adds to
    if not program.devices:
        made["PrivateDevices"] = "yes"
    if program.writes:
        made["ReadWritePaths"] = " ".join(program.writes)
    return made
