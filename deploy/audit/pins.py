"""The pinned requirements, and whether each pin is one: a version, hashes, and no address."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)")
_OPTION = re.compile(r"\s--\S+")


@dataclass(frozen=True)
class Pin:
    """One requirement of a file, as it stands there.

    Attributes:
        name: normalised.
        version: the one version, or None where it is not pinned.
        hashes: how many sha256 it may have.
        text: without its hashes.
    """

    name: str
    version: str | None
    hashes: int
    text: str


def read_pins(file: Path) -> list[Pin]:
    """All requirements of a file that `uv pip compile` wrote.

    Raises:
        ValueError: a line is no requirement.
    """
    return [_pin(line, file) for line in _lines(file)]


def problems(file: Path) -> list[str]:
    """What is wrong with a file's pins, in words."""
    found = []
    for line in _lines(file):
        if line.startswith("-"):
            found.append(f"{file}: {line.split()[0]}: options do not belong there")
            continue
        try:
            pin = _pin(line, file)
        except ValueError as error:
            found.append(str(error))
            continue
        if "://" in pin.text or " @ " in pin.text:
            found.append(f"{file}: {pin.name} comes from an address instead of a registry")
        elif pin.version is None:
            found.append(f"{file}: {pin.text} is not pinned to one version")
        elif not pin.hashes:
            found.append(f"{file}: {pin.name}=={pin.version} has no hash")
    return found


def disagreements(service: Path, everything: Path) -> list[str]:
    """Pins of a service that are not those which were developed and tested with."""
    tested = {(pin.name, pin.version) for pin in read_pins(everything)}
    return [
        f"{service}: {pin.name}=={pin.version} is not what {everything.name} pins"
        for pin in read_pins(service)
        if (pin.name, pin.version) not in tested
    ]


def _lines(file: Path) -> Iterator[str]:
    joined = file.read_text().replace("\\\n", " ")
    for line in joined.splitlines():
        bare = line.split(" #")[0].strip()
        if bare and not bare.startswith("#"):
            yield bare


def _pin(line: str, file: Path) -> Pin:
    text = _OPTION.split(line)[0].strip()
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{file}: {text[:80]!r} is no requirement") from None
    exact = [each.version for each in parsed.specifier if each.operator == "==" and "*" not in each.version]
    version = exact[0] if len(exact) == 1 and len(parsed.specifier) == 1 else None
    return Pin(canonicalize_name(parsed.name), version, len(_HASH.findall(line)), text)
