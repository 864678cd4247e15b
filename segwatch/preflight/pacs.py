"""Whether the archive answers C-ECHO (DICOM PS3.4 annex A), and knows us by our title."""

from typing import Any

from segwatch.archive.peer import Peer
from segwatch.preflight.findings import Finding, fault, ok, unknown

PATIENCE_SECONDS = 5.0
VERIFICATION = "1.2.840.10008.1.1"
CALLING_UNKNOWN, CALLED_UNKNOWN = 3, 7
"""Why an association is rejected (DICOM PS3.8 table 9-21, by the service user)."""
SERVICE_USER = 1


def echo(peer: Peer, calling: str) -> Finding:
    """One C-ECHO.

    Args:
        peer: the archive.
        calling: the title that it should know us by.
    """
    from pynetdicom import AE  # heavy, and only ingest's extra has it

    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE_SECONDS
    entity.connection_timeout = PATIENCE_SECONDS
    entity.add_requested_context(VERIFICATION)
    where = f"{peer.title} at {peer.host}:{peer.port}"
    association = entity.associate(peer.host, peer.port, ae_title=peer.title)
    if not association.is_established:
        answer = association.acceptor.primitive if association.is_rejected else None
        _close(association)
        return _rejected(where, calling, answer)
    status = association.send_c_echo().get("Status")
    association.release()
    if status == 0:
        return ok("pacs", f"{where} answers C-ECHO from {calling}")
    said = "no answer" if status is None else f"{status:#06x}"
    return fault(
        "pacs", f"{where} answers C-ECHO with {said}", "let it offer verification (C-ECHO) to our title"
    )


def _close(association: Any) -> None:  # noqa: ANN401 - pynetdicom carries no types
    """What pynetdicom 3.0 leaves to the garbage collector where the peer hangs up before it has answered."""
    left = association.dul.socket.socket if association.dul.socket is not None else None
    if left is not None:
        left.close()


def _rejected(where: str, calling: str, answer: object) -> Finding:
    source, reason = getattr(answer, "result_source", None), getattr(answer, "diagnostic", None)
    if source == SERVICE_USER and reason == CALLING_UNKNOWN:
        return fault(
            "pacs-title",
            f"{where} refuses our title {calling}",
            f"have the PACS know {calling}, and our address",
        )
    if source == SERVICE_USER and reason == CALLED_UNKNOWN:
        return fault(
            "pacs-title", f"{where} goes by another title", "mend the title in SEGWATCH_PACS=TITLE@HOST:PORT"
        )
    if answer is not None:
        return unknown(
            "pacs", f"{where} refuses the association (source {source}, reason {reason})", "see its log"
        )
    return fault(
        "pacs", f"{where} does not answer C-ECHO", "see that it runs there, speaks DICOM, and lets us in"
    )
