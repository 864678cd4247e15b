"""Disks: full ones, and ones that will be too small."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from segwatch.preflight.findings import Finding, fault, ok

FULLEST_PERCENT = 90
"""As the alert SegwatchDiskFilling: less than a tenth is free."""
STORE_MB_PER_STUDY = 130
INBOX_MB_PER_STUDY = 220
"""Of an examination of 400 slices of 512 x 512 (`python -m benchmarks.sizing`)."""
STORE_DAYS = 90
INBOX_DAYS = 2
"""As long as a topic holds what refers to the store; as long as an outage over a weekend."""
AUDIT_GB = 0.1
GB = 1000**3
_UNITS = {
    "": 1,
    "K": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def needed_gb(kind: str, studies_a_day: float) -> float:
    """How large a volume must be at the least, in GB.

    Args:
        kind: `store`, `inbox` or `audit`.
        studies_a_day: examinations that come in.
    """
    if kind == "store":
        return STORE_MB_PER_STUDY * studies_a_day * STORE_DAYS / 1000
    if kind == "inbox":
        return INBOX_MB_PER_STUDY * studies_a_day * INBOX_DAYS / 1000
    return AUDIT_GB


def disks(folders: Mapping[str, Path], studies_a_day: float) -> Iterator[Finding]:
    """Whether each folder is there, has room, and lies on a disk that is large enough."""
    for kind, folder in folders.items():
        if not folder.is_dir():
            yield fault(
                "disk",
                f"{kind}: there is no folder {folder}",
                "make or mount it, owned by the service's user",
            )
            continue
        usage = shutil.disk_usage(folder)
        yield room(f"{kind} {folder}", usage.total, usage.free)
        yield size(kind, f"{kind} {folder}", usage.total / GB, studies_a_day)


def room(called: str, total: int, free: int) -> Finding:
    """Whether a disk has room; both in bytes."""
    used = 100 * (1 - free / total) if total else 100.0
    if used > FULLEST_PERCENT:
        return fault(
            "disk", f"{called}: {used:.0f} % of the disk is used", "make room, or give it a larger disk"
        )
    return ok("disk", f"{called}: {used:.0f} % of the disk is used")


def size(kind: str, called: str, gb: float, studies_a_day: float) -> Finding:
    """Whether a volume is as large as it must be."""
    needed = needed_gb(kind, studies_a_day)
    if gb < needed:
        return fault(
            "disk-size",
            f"{called} has {gb:.0f} GB and needs {needed:.0f} GB for {studies_a_day:g} studies a day",
            "give it a larger disk, or say how many studies come by --studies-a-day",
        )
    return ok("disk-size", f"{called}: {gb:.0f} GB, {needed:.0f} needed")


def in_gb(quantity: str) -> float:
    """A quantity of Kubernetes' in GB.

    Raises:
        ValueError: it is none.

    Examples:
        >>> in_gb("500Gi")
        536.870912
    """
    found = re.fullmatch(r"([\d.]+)([KMGT]i?)?", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no size")
    return float(found[1]) * _UNITS[found[2] or ""] / GB
