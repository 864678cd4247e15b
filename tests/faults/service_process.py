"""A real service with faults on demand: `python -m tests.faults.service_process services.scoring`.

The service's own `__main__` runs, unchanged. What is put around it here is switched by files in the folder
FAULTS_FOLDER, so that the harness hits moments that a signal from outside finds by luck only, and the
product carries no hook for tests. FAULTS_NAME is the process's name in the names of the files:

```
NAME.after-ack    end by SIGKILL when the log has acknowledged the next records, before anything else
                  (between acknowledgement and commit; aggregation: between ledger and release)
NAME.in-predict   end by SIGKILL in the middle of the lesion model's next prediction
NAME.long-study   holds seconds: the next study takes that much longer
NAME.busy         written here: a study is in hand
store.slow        holds seconds: every read and write of the volume store takes that much longer
NAME.clock        holds seconds, read at start: this process's wall clock is wrong by so much
```
"""

import gc
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["FAULTS_FOLDER"])
NAME = os.environ["FAULTS_NAME"]
SESSION_MS = int(os.environ["FAULTS_SESSION_MS"])
PREDICTING_SECONDS = 0.08
"""How far into a prediction the process ends: one takes some 0.2 s."""


def main() -> None:
    """Put the faults around the service that the command line names, and run it."""
    _ = sys.argv.pop(0)
    _shift_the_clock(_seconds(f"{NAME}.clock"))
    _set_the_session()
    _die_after_ack()
    _slow_the_store()
    if NAME.startswith("segmentation"):
        _hold_studies()
        _die_in_predict()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _shift_the_clock(seconds: float) -> None:
    """Put this process's wall clock wrong; its monotonic clock, which time-outs use, goes on as it was.

    `datetime.now` is a method of a type written in C, which takes no new attribute by assignment, so its
    dictionary is reached by the garbage collector (CPython only). The broker's own clock stays right.
    """
    if not seconds:
        return
    true_time, shift = time.time, timedelta(seconds=seconds)

    def now(tz: tzinfo | None = None) -> datetime:
        there = datetime.fromtimestamp(true_time(), UTC) + shift
        return there.astimezone(tz) if tz else there.astimezone().replace(tzinfo=None)

    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: int((true_time() + seconds) * 1e9)
    gc.get_referents(datetime.__dict__)[0]["now"] = staticmethod(now)
    import ctypes

    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
    if abs((datetime.now(UTC) - datetime.fromtimestamp(true_time(), UTC)) - shift) > timedelta(seconds=5):
        sys.exit("the clock could not be put wrong: this harness needs CPython")


def _set_the_session() -> None:
    """A shorter session than the product's 45 s, where a run is too short for that."""
    from segwatch.streaming.kafka import options as kafka_options

    kafka_options.SESSION_MS = SESSION_MS


def _die_after_ack() -> None:
    from segwatch.contracts.topics import RELEASE
    from segwatch.streaming.kafka.producer import KafkaProducer

    send = KafkaProducer.send

    def sending(self: KafkaProducer, records: Any) -> Any:
        acknowledged = send(self, records)
        heartbeat = all(
            each.topic == RELEASE and (each.key or b"").startswith(b"heartbeat") for each in records
        )
        if records and not heartbeat and _taken(f"{NAME}.after-ack"):
            os.kill(os.getpid(), signal.SIGKILL)
        return acknowledged

    KafkaProducer.send = sending  # type: ignore[method-assign]


def _slow_the_store() -> None:
    from segwatch.volumes.backends import LocalFolder

    for name in ("read", "write"):
        setattr(LocalFolder, name, _late(getattr(LocalFolder, name)))


def _late(method: Callable[..., Any]) -> Callable[..., Any]:
    def late(*given: Any) -> Any:
        time.sleep(_seconds("store.slow"))
        return method(*given)

    return late


def _hold_studies() -> None:
    from services.segmentation.handler import Segmentation

    handle = Segmentation.handle

    def holding(self: Segmentation, event: Any) -> Any:
        busy = FOLDER / f"{NAME}.busy"
        busy.touch()
        try:
            seconds = _seconds(f"{NAME}.long-study")
            if seconds and _taken(f"{NAME}.long-study"):
                time.sleep(seconds)
            return handle(self, event)
        finally:
            busy.unlink(missing_ok=True)

    Segmentation.handle = holding  # type: ignore[method-assign]


def _die_in_predict() -> None:
    from services.segmentation import models

    load = models.load_lesion_model

    def loading(settings: Any) -> Any:
        model = load(settings)
        if model is not None:
            model.predict = _dying(model.predict)
        return model

    models.load_lesion_model = loading


def _dying(predict: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*given: Any) -> Any:
        if _taken(f"{NAME}.in-predict"):
            threading.Timer(PREDICTING_SECONDS, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return predict(*given)

    return dying


def _seconds(name: str) -> float:
    with suppress(OSError, ValueError):
        return float((FOLDER / name).read_text())
    return 0.0


def _taken(name: str) -> bool:
    """Whether the fault was asked for; it happens once."""
    try:
        (FOLDER / name).unlink()
    except FileNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
