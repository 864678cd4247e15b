"""`python -m services.ingest`: read settings, open the ways in, watch the inbox."""

from segwatch.streaming.stopping import heed

heed(__name__)  # before the other imports, which take seconds

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from segwatch.archive.peer import read_peer
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.dicom_masks.joining import Wish
from segwatch.errors import BadSettings
from segwatch.ingest.inbox import ARRIVING
from segwatch.intake.rules import read_rules
from segwatch.processes import give_memory_back
from segwatch.streaming.closing import bounded
from segwatch.streaming.deadletters.pending import PendingLetters
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.settings import secret
from segwatch.streaming.steps import await_topics, successes
from segwatch.streaming.worker import Worker
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.store import VolumeStore
from services.ingest.c_store import CStoreServer, Door
from services.ingest.completion import Completion, QuietTimes
from services.ingest.examination import Examinations
from services.ingest.fingerprint import refuse_another_secret
from services.ingest.handler import NAME, Ingest, Titles
from services.ingest.inbox import Inbox
from services.ingest.intake import Intake
from services.ingest.pacs_counts import Counts
from services.ingest.patience import Patience
from services.ingest.retention import Retention
from services.ingest.retention import defaults as retention_seconds
from services.ingest.settings import IngestSettings
from services.ingest.spool import Room, Spool
from services.ingest.stow import StowServer
from services.ingest.studies import AnnouncedStudies
from services.ingest.tls import doors_context
from services.ingest.watch import InboxWatcher

SHORTEST_SECRET = 16

_log = logging.getLogger(__name__)


def run(runtime: Runtime[IngestSettings]) -> None:
    """Work until asked to stop. The doors are open already: see `doors`."""
    settings = runtime.settings
    store, key = VolumeStore(settings.store), _secret(settings)
    next(successes(lambda: refuse_another_secret(store, key), runtime), None)
    titles = Titles(settings.dicom_backfill_title, settings.dicom_trial_title)
    rules = {title: read_rules(path) for title, path in settings.rules_by_title().items()}
    counts = Counts(read_peer(settings.pacs), settings.dicom_ae_title) if settings.pacs else None
    inbox = _inbox(settings)
    wish = Wish(LesionLabel(settings.lesion_label), settings.seg_threshold)
    intake = Intake(
        Examinations(inbox.root, store, key, rules, counts),
        Ingest(store, key, settings.ct_unit, titles=titles, wish=wish),
        Patience(settings.mask_wait_seconds, settings.without_mask),
    )
    await_topics([RECEIVED, dead_letters(RECEIVED)], runtime)
    producer, worker = runtime.log.producer(), Worker()
    pending = PendingLetters(NAME, runtime.log, [RECEIVED], runtime.telemetry)
    watch = InboxWatcher(
        inbox,
        intake,
        Completion(_quiet_times(settings)),
        AnnouncedStudies(runtime.telemetry),
        runtime,
        producer,
        worker,
        _retention(settings),
        look_around=pending.refresh,
    )
    try:
        watch.run()
    finally:
        worker.close()
        pending.close()
        bounded(producer.close, "the producer")


@contextmanager
def doors(settings: IngestSettings) -> Iterator[Callable[[], bool]]:
    """The servers that the settings ask for, open whatever else is away; whether they can take more.

    What comes in waits on the inbox's disk, so only that disk can close them.
    """
    _secret(settings)
    for path in settings.rules_by_title().values():
        read_rules(path)
    inbox = _inbox(settings)
    for unfinished in (inbox.root / ARRIVING).iterdir():
        unfinished.unlink()  # never acknowledged, so its sender sends it again
    spool = Spool(inbox, _room(settings))
    host = settings.http_host
    tls = doors_context(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)
    with ExitStack() as open_ways:
        if settings.dicom_port:
            callers = [each for each in settings.dicom_callers.split(",") if each]
            door = Door(settings.titles(), callers, settings.dicom_associations)
            scp = CStoreServer(spool, door, host=host, port=settings.dicom_port, tls=tls)
            open_ways.callback(bounded, scp.close, "C-STORE")
        if settings.stow_port:
            token = secret(settings.stow_token_file) if settings.stow_token_file else None
            called = {"backfill": settings.dicom_backfill_title, "trial": settings.dicom_trial_title}
            stow = StowServer(spool, host=host, port=settings.stow_port, token=token, called=called, tls=tls)
            open_ways.callback(stow.close)
        _log.info("watching the inbox", extra={"dicom": settings.dicom_port, "stow": settings.stow_port})
        yield spool.takes_more


def _quiet_times(settings: IngestSettings) -> QuietTimes:
    if settings.quiet_seconds is None:
        return QuietTimes(forced=settings.incomplete_seconds)
    return QuietTimes(settings.quiet_seconds, settings.quiet_seconds, settings.incomplete_seconds)


def _room(settings: IngestSettings) -> Room:
    return Room(settings.min_free_mb, settings.min_free_percent)


def _retention(settings: IngestSettings) -> Retention:
    days = retention_seconds(settings.announced_hours, settings.aside_days, settings.rejected_days)
    return Retention(settings.inbox, days, _room(settings))


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
    give_memory_back()
    sys.exit(main(NAME, IngestSettings, run, doors))
