"""What a STOW-RS sender is told of each instance (DICOM PS3.18 10.5.3, Annex I.2; PS3.3 C.12.1.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.spool import Instance

OUT_OF_RESOURCES = 0xA700
NOT_OF_THIS_STUDY = 0xA900
CANNOT_UNDERSTAND = 0xC000
PROCESSING_FAILURE = 0x0110

_SOP_CLASS = "00081150"
_SOP_INSTANCE = "00081155"
_FAILURE = "00081197"
_FAILED = "00081198"
_REFERENCED = "00081199"
_OTHER_FAILURES = "0008119A"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one part. Without a failure it is kept; without an instance it was not understood."""

    instance: Instance | None
    failure: int | None = None


def status_of(parts: Sequence[Stored]) -> int:
    """200 where all are kept, 202 where some are, 503 where there is no room for any, 409 where none is."""
    failures = [part.failure for part in parts if part.failure is not None]
    if not failures:
        return 200
    if len(failures) < len(parts):
        return 202
    return 503 if OUT_OF_RESOURCES in failures else 409


def answer(parts: Sequence[Stored]) -> dict[str, Any]:
    """The store instances response as DICOM JSON."""
    kept = [_named(part.instance) for part in parts if part.instance and part.failure is None]
    failed = [
        _named(part.instance) | _failure(part.failure)
        for part in parts
        if part.instance and part.failure is not None
    ]
    others = [_failure(part.failure) for part in parts if not part.instance and part.failure is not None]
    sequences = {_FAILED: failed, _REFERENCED: kept, _OTHER_FAILURES: others}
    return {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}


def _named(instance: Instance) -> dict[str, Any]:
    return {
        _SOP_CLASS: {"vr": "UI", "Value": [instance.sop_class]},
        _SOP_INSTANCE: {"vr": "UI", "Value": [instance.sop_instance]},
    }


def _failure(code: int) -> dict[str, Any]:
    return {_FAILURE: {"vr": "US", "Value": [code]}}
