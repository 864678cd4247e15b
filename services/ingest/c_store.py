"""C-STORE and C-ECHO: scanners and the PACS send here (DICOM PS3.4 B, PS3.7 9.1.1 and 9.1.5)."""

import logging
import ssl
from typing import Any

from pynetdicom import (
    AE,
    AllStoragePresentationContexts,
    VerificationPresentationContexts,
    evt,
)
from pynetdicom.transport import ThreadedAssociationServer

from segwatch.errors import BadSettings, RefusedVolume
from segwatch.volumes.dicom_pixels import DECODED
from services.ingest.spool import REFUSALS, Spool, status_of_refusal

SUCCESS = 0x0000

TRANSFER_SYNTAXES = list(DECODED)
"""Senders choose among these: what cannot be decoded later is not taken now."""

_log = logging.getLogger(__name__)


class CStoreServer:
    """Listens until closed. Takes every storage class: what is no CT is rejected where all can see it.

    Raises:
        BadSettings: the port cannot be had.
    """

    def __init__(
        self, spool: Spool, *, host: str, port: int, ae_title: str, tls: ssl.SSLContext | None = None
    ) -> None:
        entity = AE(ae_title=ae_title)
        entity.require_called_aet = True
        for context in (*AllStoragePresentationContexts, *VerificationPresentationContexts):
            entity.add_supported_context(str(context.abstract_syntax), TRANSFER_SYNTAXES)
        handlers: list[Any] = [(evt.EVT_C_STORE, lambda event: store(event, spool)), (evt.EVT_C_ECHO, _echo)]
        try:
            server = entity.start_server((host, port), block=False, ssl_context=tls, evt_handlers=handlers)
        except OSError as error:
            raise BadSettings(
                f"SEGWATCH_HTTP_HOST={host} SEGWATCH_DICOM_PORT={port} cannot be listened on:"
                f" {error.strerror or error}; take another port"
            ) from None
        assert isinstance(server, ThreadedAssociationServer)  # block=False gives one
        self._server = server
        self.port: int = server.server_address[1]

    def close(self) -> None:
        """Stop listening. What was not acknowledged is sent again by its sender."""
        self._server.shutdown()


def store(event: evt.Event, spool: Spool) -> int:
    """Keep one instance, and give the status that its sender is told (PS3.4 Table B.2-1)."""
    try:
        spool.take(event.encoded_dataset(), "c-store")
    except REFUSALS as error:
        level = logging.WARNING if isinstance(error, RefusedVolume) else logging.ERROR
        _log.log(level, "C-STORE refused: %s", error)
        return status_of_refusal(error)
    return SUCCESS


def _echo(_event: evt.Event) -> int:
    return SUCCESS
