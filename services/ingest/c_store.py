"""C-STORE and C-ECHO: scanners and the PACS send here (DICOM PS3.4 B, PS3.7 9.1.1 and 9.1.5)."""

import logging
import ssl
import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from pynetdicom import (
    AE,
    AllStoragePresentationContexts,
    VerificationPresentationContexts,
    evt,
)
from pynetdicom.association import Association
from pynetdicom.transport import ThreadedAssociationServer

from segwatch.errors import BadSettings, RefusedVolume
from segwatch.volumes.dicom_pixels import DECODED
from services.ingest.carriers import Carrier, Carriers
from services.ingest.spool import NOT_NOW, REFUSALS, Sender, Spool, status_of_refusal

SUCCESS = 0x0000

TRANSFER_SYNTAXES = list(DECODED)
"""Senders choose among these: what cannot be decoded later is not taken now."""
MOST_ASSOCIATIONS = 20
"""At the same time; as many as a busy PACS opens. A further one is told to come again later."""
IDLE_SECONDS = 300.0
"""A sender that says nothing for so long is taken for lost. PACS pause within an examination."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Door:
    """Who may come in, by which titles.

    Attributes:
        titles: by which this service is called; the first is its own.
        callers: the titles of those who may call; everybody, where none is named.
        associations: how many at the same time.
    """

    titles: tuple[str, ...] = ("SEGWATCH",)
    callers: Collection[str] = ()
    associations: int = MOST_ASSOCIATIONS
    idle_seconds: float = IDLE_SECONDS


class CStoreServer:
    """Listens until closed. Takes every storage class: the pipeline sets aside or rejects what is no CT.

    Raises:
        BadSettings: the port cannot be had.
    """

    def __init__(
        self,
        spool: Spool,
        door: Door | None = None,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        door = door or Door()
        brought = _Brought(spool.carriers)
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, partial(_answer_by_the_called_title, titles=door.titles)),
            (evt.EVT_C_STORE, partial(store, spool=spool, brought=brought)),
            (evt.EVT_C_ECHO, _echo),
            (evt.EVT_RELEASED, lambda event: brought.by(event.assoc).end()),
            (evt.EVT_ABORTED, lambda event: brought.by(event.assoc).break_off()),
            (evt.EVT_CONN_CLOSE, lambda event: brought.by(event.assoc).break_off()),
        ]
        try:
            server = _entity(door).start_server(
                (host, port), block=False, ssl_context=tls, evt_handlers=handlers
            )
        except OSError as error:
            raise BadSettings(
                f"SEGWATCH_HTTP_HOST={host} SEGWATCH_DICOM_PORT={port} cannot be listened on:"
                f" {error.strerror or error}; take another port"
            ) from None
        assert isinstance(server, ThreadedAssociationServer)  # block=False gives one
        self._server = server
        self.port: int = server.server_address[1]
        if not door.callers:
            _log.warning("C-STORE takes images from every caller: SEGWATCH_DICOM_CALLERS names none")

    def close(self) -> None:
        """Stop listening. What was not acknowledged is sent again by its sender."""
        self._server.shutdown()


class _Brought:
    """What each association has brought."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers
        self._by: WeakKeyDictionary[Association, Carrier] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def by(self, association: Association) -> Carrier:
        with self._lock:
            if association not in self._by:
                self._by[association] = self._carriers.begin()
            return self._by[association]


def store(event: evt.Event, spool: Spool, brought: _Brought) -> int:
    """Keep one instance, and give the status that its sender is told (PS3.4 Table B.2-1)."""
    carrier = brought.by(event.assoc)
    try:
        spool.take(event.encoded_dataset(), Sender("c-store", carrier, event.assoc.acceptor.ae_title.strip()))
    except REFUSALS as error:
        level = logging.WARNING if isinstance(error, RefusedVolume) else logging.ERROR
        _log.log(level, "C-STORE refused: %s", error)
        status = status_of_refusal(error)
        if status in NOT_NOW:
            carrier.missed()
        return status
    return SUCCESS


def _entity(door: Door) -> AE:
    entity = AE(ae_title=door.titles[0])
    entity.require_called_aet = True
    entity.require_calling_aet = list(door.callers)
    entity.maximum_associations = door.associations
    entity.network_timeout = door.idle_seconds
    for context in (*AllStoragePresentationContexts, *VerificationPresentationContexts):
        entity.add_supported_context(str(context.abstract_syntax), TRANSFER_SYNTAXES)
    return entity


def _answer_by_the_called_title(event: evt.Event, titles: Collection[str]) -> None:
    """pynetdicom compares the called title with one of ours: let it be the one that was called."""
    request = event.assoc.requestor.primitive
    called = "" if request is None else request.called_ae_title.strip()
    if called in titles:
        event.assoc.acceptor.ae_title = called


def _echo(_event: evt.Event) -> int:
    return SUCCESS
