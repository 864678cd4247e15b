"""Each service's environment on a server, from the same files as its ConfigMap.

`k8s/components/NAME/NAME.env` says what there is, the overlay's `kustomization.yaml` says where each line of
`hospital.env` or `central.env` goes; a server changes paths, ports and addresses, and nothing else.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.local.machine.folders import ROOT
from deploy.server.layout import (
    CENTRE,
    DATA,
    DOORS,
    HTTP_PORTS,
    KAFKA_PORT,
    OPERATOR,
    SECRETS,
    TLS,
    Kind,
    services_of,
)
from segwatch.errors import BadInput
from segwatch.preflight.settings_files import lines_of
from segwatch.streaming.settings import PREFIX

K8S = ROOT / "k8s"
OVERLAYS: dict[Kind, tuple[str, str]] = {
    "hospital": ("hospital", "hospital.env"),
    "centre": ("central", "central.env"),
}
"""The overlay of each kind, and the one file of it that people edit."""
ONLY_CLUSTERS = frozenset({"IMAGES", "VERSION", "STORE_SIZE"})
FURTHER: dict[Kind, dict[str, str]] = {
    "hospital": {"PACS": "", "CALLED_AS": ""},
    "centre": {"SITES": "", "NAME": ""},
}
"""What a server is told beside: the archive that ingest asks, the name that senders call it by; a centre's
hospitals, and its host name."""
NOT_SET = "set by the overlay"
MOVED = (
    ("/run/secrets/kafka-ca/ca.crt", f"{TLS}/ca.crt"),
    ("/run/secrets/segwatch", SECRETS),
    ("/run/secrets/doors", DOORS),
    ("/models", f"{DATA}/models"),
)
OWN = re.compile(r"^/run/secrets/kafka-user/user\.")


def example(kind: Kind) -> str:
    """The file that people edit, to start from."""
    overlay, file = OVERLAYS[kind]
    lines = (K8S / "overlays" / overlay / file).read_text().splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in ONLY_CLUSTERS]
    head = f"# What `segwatch install` reads ({kind}); docs/operations/server.md explains each line."
    return (
        "\n".join(
            [
                head,
                *(each for each in kept if not each.startswith("#")),
                *map("{0[0]}={0[1]}".format, FURTHER[kind].items()),
            ]
        )
        + "\n"
    )


def read_edited(kind: Kind, file: Path) -> dict[str, str]:
    """The edited file.

    Raises:
        BadInput: it cannot be read, or has a line that nobody knows.
    """
    given = lines_of(file)
    known = {
        line.partition("=")[0]
        for line in example(kind).splitlines()
        if "=" in line and not line.startswith("#")
    }
    if strange := sorted(set(given) - known - ONLY_CLUSTERS):
        where = ", ".join(f"{name} (line {_line_of(name, file)})" for name in strange)
        raise BadInput(f"{file}: nobody knows {where}; known are {', '.join(sorted(known))}")
    return given


def environments_of(kind: Kind, edited: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The environment of each service, by its name.

    Args:
        kind: hospital or centre.
        edited: the edited file's lines.

    Raises:
        BadInput: a setting that must be given is not.
    """
    return {name: _environment(kind, name, edited) for name in services_of(kind)}


def _environment(kind: Kind, name: str, edited: Mapping[str, str]) -> dict[str, str]:
    placed = _placed(kind)
    values = {**_file("pods", "common"), **_file(name, name)}
    for config_map, setting, line in placed:
        if config_map in ("common", f"{name}-settings") and line in edited:
            values[setting] = edited[line]
    values = {setting: _moved(name, value) for setting, value in values.items()}
    values |= {
        f"{PREFIX}KAFKA_BOOTSTRAP": f"127.0.0.1:{KAFKA_PORT}",
        f"{PREFIX}MEMBER": f"{name}-0",
        f"{PREFIX}HTTP_PORT": str(HTTP_PORTS[name]),
        # C-STORE and STOW-RS listen there too: the unit lets in whom the settings name, and this machine.
        f"{PREFIX}HTTP_HOST": "0.0.0.0" if name == "ingest" else "127.0.0.1",  # noqa: S104
    }
    if name == "ingest" and edited.get("PACS"):
        values[f"{PREFIX}PACS"] = edited["PACS"]
    if name == "federation":
        values[f"{PREFIX}SITES"] = edited.get("SITES", "")
    if missing := [setting for setting, value in values.items() if value == NOT_SET]:
        raise BadInput(f"{name}: {', '.join(missing)} is not set; add its line to the settings file")
    return {setting: value for setting, value in values.items() if value != ""}


def way_to_the_log(name: str, edited: Mapping[str, str]) -> dict[str, str]:
    """What a tool is told that comes to the site's own log as a principal of its own."""
    common = {setting: _moved(name, value) for setting, value in _file("pods", "common").items()}
    ways = {setting: value for setting, value in common.items() if setting.startswith(f"{PREFIX}KAFKA_")}
    return {f"{PREFIX}SITE": edited["SITE"], **ways, f"{PREFIX}KAFKA_BOOTSTRAP": f"127.0.0.1:{KAFKA_PORT}"}


def operators(kind: Kind, edited: Mapping[str, str]) -> dict[str, str]:
    """What the command is told that an operator types: the way to the log, in a hospital the inbox too."""
    inbox = {f"{PREFIX}INBOX": f"{DATA}/inbox"} if kind == "hospital" else {}
    return way_to_the_log(OPERATOR, edited) | inbox


def way_to_the_centre(edited: Mapping[str, str]) -> dict[str, str]:
    """What preflight is told of the bridge's way out; empty where there is none."""
    if not edited.get("CENTRE_KAFKA"):
        return {}
    return {
        f"{PREFIX}SITE": edited["SITE"],
        f"{PREFIX}CENTRE_KAFKA_BOOTSTRAP": edited["CENTRE_KAFKA"],
        f"{PREFIX}CENTRE_KAFKA_CA_FILE": f"{CENTRE}/ca.crt",
        f"{PREFIX}CENTRE_KAFKA_CERT_FILE": f"{CENTRE}/user.pem",
        f"{PREFIX}CENTRE_KAFKA_KEY_FILE": f"{CENTRE}/user.pem",
    }


def memory_of(name: str) -> str:
    """The most memory of a service, as its pod has it."""
    documents = yaml.safe_load_all((K8S / "components" / name / f"{name}.yaml").read_text())
    pods = (
        each["spec"]["template"]["spec"] for each in documents if each and "template" in each.get("spec", {})
    )
    limit = str(next(pods)["containers"][0]["resources"]["limits"]["memory"])
    return limit.removesuffix("i")


def _file(folder: str, name: str) -> dict[str, str]:
    return lines_of(K8S / "components" / folder / f"{name}.env")


def _placed(kind: Kind) -> list[tuple[str, str, str]]:
    """Where each edited line goes: the ConfigMap, the setting, the line."""
    page: dict[str, Any] = yaml.safe_load(
        (K8S / "overlays" / OVERLAYS[kind][0] / "kustomization.yaml").read_text()
    )
    return [
        (
            target["select"]["name"],
            path.removeprefix("data."),
            each["source"]["fieldPath"].removeprefix("data."),
        )
        for each in page["replacements"]
        for target in each["targets"]
        if target["select"]["kind"] == "ConfigMap"
        for path in target["fieldPaths"]
    ]


def _line_of(name: str, file: Path) -> int:
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return next(number for number, line in lines if line.split("=")[0].split()[-1:] == [name])


def _moved(name: str, value: str) -> str:
    if OWN.match(value):
        return OWN.sub(f"{TLS}/{name}.", value)
    for before, after in MOVED:
        if value.startswith(before):
            return after + value.removeprefix(before)
    return value
