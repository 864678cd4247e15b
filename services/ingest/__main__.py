"""`python -m services.ingest`: read settings, open the ways in, watch the inbox."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.errors import BadSettings
from segwatch.streaming.closing import bounded
from segwatch.streaming.deadletters.pending import PendingLetters
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.settings import secret
from segwatch.streaming.steps import successes
from segwatch.streaming.worker import Worker
from segwatch.volumes.store import VolumeStore
from services.ingest.c_store import CStoreServer
from services.ingest.fingerprint import refuse_another_secret
from services.ingest.handler import NAME, Ingest
from services.ingest.inbox import Completion, Inbox
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool
from services.ingest.stow import StowServer
from services.ingest.studies import AnnouncedStudies
from services.ingest.tls import doors_context
from services.ingest.watch import InboxWatcher

SHORTEST_SECRET = 16

_log = logging.getLogger(__name__)


def run(runtime: Runtime[IngestSettings]) -> None:
    """Work until asked to stop."""
    settings = runtime.settings
    store, secret_ = VolumeStore(settings.store), _secret(settings)
    next(successes(lambda: refuse_another_secret(store, secret_), runtime), None)
    ingest = Ingest(store, secret_, settings.ct_unit)
    inbox = _inbox(settings)
    runtime.log.require_topics([RECEIVED, dead_letters(RECEIVED)])
    producer, worker = runtime.log.producer(), Worker()
    completion = Completion(settings.quiet_seconds)
    pending = PendingLetters(NAME, runtime.log, [RECEIVED], runtime.telemetry)
    watch = InboxWatcher(
        inbox,
        ingest,
        completion,
        AnnouncedStudies(runtime.telemetry),
        runtime,
        producer,
        worker,
        look_around=pending.refresh,
    )
    try:
        with _ways_in(settings, inbox):
            watch.run()
    finally:
        runtime.ready(False)
        worker.close()
        pending.close()
        bounded(producer.close, "the producer")


@contextmanager
def _ways_in(settings: IngestSettings, inbox: Inbox) -> Iterator[None]:
    """The servers that the settings ask for."""
    spool = Spool(inbox, settings.min_free_mb * 2**20)
    host = settings.http_host
    tls = doors_context(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)
    with ExitStack() as open_ways:
        if settings.dicom_port:
            scp = CStoreServer(
                spool, host=host, port=settings.dicom_port, ae_title=settings.dicom_ae_title, tls=tls
            )
            open_ways.callback(bounded, scp.close, "C-STORE")
        if settings.stow_port:
            token = secret(settings.stow_token_file) if settings.stow_token_file else None
            stow = StowServer(spool, host=host, port=settings.stow_port, token=token, tls=tls)
            open_ways.callback(stow.close)
        _log.info("watching the inbox", extra={"dicom": settings.dicom_port, "stow": settings.stow_port})
        yield


def _secret(settings: IngestSettings) -> bytes:
    found = secret(settings.pseudonym_secret_file).encode()
    if len(found) < SHORTEST_SECRET:
        raise BadSettings(
            f"PSEUDONYM_SECRET_FILE holds {len(found)} bytes and needs {SHORTEST_SECRET}:"
            " make one with `openssl rand -hex 32`, and keep it, or pseudonyms change"
        )
    return found


def _inbox(settings: IngestSettings) -> Inbox:
    try:
        return Inbox(settings.inbox)
    except OSError as error:
        raise BadSettings(f"INBOX={settings.inbox} cannot be used: {error.strerror or error}") from None


if __name__ == "__main__":
    sys.exit(main(NAME, IngestSettings, run))
