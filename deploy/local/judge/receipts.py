"""What ingest left behind for each case: `INBOX/.receipts/CASE.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

RECEIPTS = ".receipts"


@dataclass(frozen=True)
class CaseReceipt:
    """How a case ended at ingest.

    Attributes:
        case: the entry's name in the inbox.
        study: the study's pseudonym; None where the case was rejected.
        outcome: `announced`, `duplicate` or `rejected`.
        kind, reason: why it was rejected.
    """

    case: str
    study: str | None
    outcome: str
    kind: str | None = None
    reason: str | None = None


def new_receipts(inbox: Path, known: dict[str, CaseReceipt]) -> list[CaseReceipt]:
    """The receipts that are not known yet, by name."""
    folder = inbox / RECEIPTS
    if not folder.is_dir():
        return []
    files = sorted(
        path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".")
    )
    return [_receipt(path) for path in files if path.stem not in known]


def _receipt(path: Path) -> CaseReceipt:
    found = json.loads(path.read_text())
    return CaseReceipt(
        case=found["case"],
        study=found.get("study"),
        outcome=found["outcome"],
        kind=found.get("kind"),
        reason=found.get("reason"),
    )
