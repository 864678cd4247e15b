"""The loop of a stage: one record in, its results out, and nothing lost whatever happens in between.

The order is the whole point, and stands in `StageLoop._settle`. At least once; ids make copies harmless.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from segwatch.contracts.envelope import Event, decode
from segwatch.errors import LogRefused, LogUnavailable, LostPlace, Unprocessable
from segwatch.streaming.attempts import (
    FIRST_DELAY_SECONDS,
    LONGEST_DELAY_SECONDS,
    Bury,
    Retry,
    delays,
    judge,
    short,
)
from segwatch.streaming.deadletters.writing import dead_letter, is_for_another
from segwatch.streaming.json_logs import about
from segwatch.streaming.log import Consumer, Outgoing, Position, Producer, Record, outgoing
from segwatch.streaming.runtime import Runtime
from segwatch.streaming.steps import successes
from segwatch.streaming.stopping import GRACE_SECONDS
from segwatch.streaming.telemetry import LagGauge
from segwatch.streaming.worker import Worker

_log = logging.getLogger(__name__)
Handle = Callable[[Event[Any]], Sequence[Event[Any]]]


@dataclass(frozen=True)
class StageTimes:
    """How long the loop waits for what, in seconds."""

    poll: float = 1.0
    """For a record to come: how late a request to stop is seen by an idle stage."""
    short_work: float = 0.5
    """Work up to here is waited for without polling, which keeps a hop short; the session bears it."""
    paused_poll: float = 0.1
    """Between two polls of a paused consumer during long work: how late its end is seen."""
    grace: float = GRACE_SECONDS
    """For a study in hand after the request to stop; then it is handed back."""
    first_delay: float = FIRST_DELAY_SECONDS
    longest_delay: float = LONGEST_DELAY_SECONDS


class _HandedBack(Exception):
    """The record in hand is given up without a commit: whoever reads the partition next gets it again."""


@dataclass(frozen=True)
class _Done:
    """What became of a record, and what is to be sent for it."""

    outcome: Literal["done", "dead_letter", "skipped"]
    records: Sequence[Outgoing] = ()
    error: str | None = None


@dataclass
class StageLoop:
    """Runs until `runtime.stop` is set; see `stage.run_stage` for what it raises."""

    stage: str
    handle: Handle
    runtime: Runtime[Any]
    consumer: Consumer
    producer: Producer
    worker: Worker
    pace: StageTimes
    look_around: Callable[[], None] = lambda: None
    """Called between records: keeps what else is shown up to date."""

    def __post_init__(self) -> None:
        self._telemetry = self.runtime.telemetry
        self._lag = LagGauge(self.stage, self.consumer, self._telemetry)

    def run(self) -> None:
        for records in successes(self._poll, self.runtime, self._delays):
            if self.consumer.is_member():
                self.runtime.ready(True)
            for record in records:
                self._process(record)

    def _poll(self) -> Sequence[Record]:
        self._lag.refresh()  # also what notices an absent broker: an idle poll is silent either way
        self.look_around()
        return self.consumer.poll(self.pace.poll)

    def _process(self, record: Record) -> None:
        if self._stopping():
            return  # not committed: it is handed out again
        at, started = record.at, time.monotonic()
        study = (record.key or b"").decode(errors="replace")
        with (
            about(topic=at.topic, partition=at.partition, offset=at.offset, study=study),
            self._telemetry.in_progress.labels(self.stage).track_inprogress(),
        ):
            try:
                done = self._settle(record)
            except _HandedBack:
                self._hand_back(at)
                return
            if done is not None:
                self._count(done, time.monotonic() - started)
                self._telemetry.committed.labels(
                    self.stage, at.topic, str(at.partition)
                ).set_to_current_time()

    def _settle(self, record: Record) -> _Done | None:
        """See a record through; None where the place was lost, and the record with it."""
        # 1. Do the work, once. Nothing of it is visible to others yet.
        done = self._results(record)
        # 2. Send all that came of it (a result, or a dead letter) and wait for every acknowledgement.
        done = self._send(record, done)
        # 3. Only now commit. A crash before this line means the same again, under the same ids; a commit
        #    before step 2 could lose the study.
        return done if self._commit(record.at) else None

    def _results(self, record: Record) -> _Done:
        if is_for_another(record, self.stage):
            return _Done("skipped")
        vanished = self._begin(record.at)
        if vanished >= self.runtime.settings.max_attempts:
            why = Bury("ended_the_process", f"the process has ended {vanished} times in the middle of it")
            return self._buried(record, why, vanished)
        waits = self._delays()
        attempts = failures = 0
        while True:
            attempts += 1
            future = self.worker.begin(partial(self._attempt, record))
            self._wait_for(future)
            error = future.exception()
            if error is None:
                return _Done("done", future.result())
            verdict = judge(error, failures + 1, self.runtime.settings.max_attempts)
            if isinstance(verdict, Bury):
                _log.error("dead letter: %s: %s", verdict.kind, verdict.reason, exc_info=_trace(error))
                return self._buried(record, verdict, attempts)
            failures += verdict.counts
            self._retry(verdict, error)
            self._sit_out(next(waits))

    def _begin(self, at: Position) -> int:
        """How often a process has ended in the middle of this record; where unknown, the work may begin."""
        try:
            return self.consumer.begin(at)
        except (LostPlace, LogUnavailable, LogRefused) as error:
            _log.warning("not noted that work begins: %s", error)
            return 0

    def _hand_back(self, at: Position) -> None:
        _log.info("handed back unfinished")
        try:
            self.consumer.hand_back(at)
        except (LostPlace, LogUnavailable, LogRefused) as error:
            _log.warning("not noted that it was handed back: %s", error)

    def _attempt(self, record: Record) -> list[Outgoing]:
        """What the worker's thread does."""
        event = decode(record.at.topic, record.key, record.value, record.headers)
        with about(study=event.key, correlation=event.correlation):
            return [outgoing(made.type, made) for made in self.handle(event)]

    def _send(self, record: Record, done: _Done) -> _Done:
        waits = self._delays()
        while True:
            self.runtime.alive()
            try:
                self.producer.send(done.records)
            except Unprocessable as error:
                if done.outcome == "dead_letter":
                    self.runtime.fault(error.kind, f"the log does not even take the dead letter: {error}")
                    self._sit_out(next(waits))
                else:
                    done = self._buried(record, Bury(error.kind, short(str(error))), attempts=1)
            except (LogUnavailable, LogRefused) as error:
                self.runtime.fault(type(error).__name__, str(error))
                self._sit_out(next(waits))
            else:
                return done

    def _commit(self, at: Position) -> bool:
        waits = self._delays()
        while True:
            self.runtime.alive()
            try:
                self.consumer.commit(at)
            except LostPlace as error:
                _log.warning("not committed, it is handed out again elsewhere: %s", error)
                return False
            except (LogUnavailable, LogRefused) as error:
                self.runtime.fault(type(error).__name__, str(error))
                self._sit_out(next(waits))
            else:
                return True

    def _wait_for(self, future: "Future[Any]") -> None:
        """Short work is waited for; long work must not cost this member its place, so it polls, paused."""
        wait([future], self.pace.short_work)
        if not future.done():
            self._poll_paused(lambda seconds: bool(wait([future], seconds).done))

    def _sit_out(self, delay: float) -> None:
        """Wait before another attempt. Asked to stop, hand back at once: the fault may last."""
        until = time.monotonic() + delay
        self._poll_paused(
            lambda seconds: self.runtime.stop.wait(min(seconds, delay)) or time.monotonic() >= until
        )
        if self._stopping():
            raise _HandedBack

    def _poll_paused(self, done: Callable[[float], bool]) -> None:
        """Poll, paused, until `done`, which waits for so many seconds, says yes.

        Raises:
            _HandedBack: we are asked to stop, and the grace is over.
        """
        stop_by: float | None = None
        self.consumer.pause()
        try:
            while not done(self.pace.paused_poll):
                self.runtime.alive()
                if self._stopping():
                    stop_by = stop_by or time.monotonic() + self.pace.grace
                    if time.monotonic() >= stop_by:
                        raise _HandedBack
                try:
                    self.consumer.poll(self.pace.paused_poll)
                    self._lag.refresh()
                except (LogUnavailable, LogRefused) as error:
                    _log.warning("the place in the group is in danger: %s", error)
        finally:
            self.consumer.resume()

    def _buried(self, record: Record, why: Bury, attempts: int) -> _Done:
        letter = dead_letter(record, self.stage, why.kind, why.reason, attempts)
        return _Done("dead_letter", (letter,), why.kind)

    def _retry(self, verdict: Retry, error: BaseException) -> None:
        if verdict.counts:
            self._telemetry.retries.labels(self.stage, verdict.error).inc()
            _log.warning("failed, trying again: %s", verdict.reason, exc_info=_trace(error))
        else:
            self.runtime.fault(verdict.error, verdict.reason)

    def _count(self, done: _Done, seconds: float) -> None:
        self._telemetry.messages.labels(self.stage, done.outcome).inc()
        self._telemetry.seconds.labels(self.stage).observe(seconds)
        if done.error is not None:
            self._telemetry.dead_letters.labels(self.stage, done.error).inc()
        if done.outcome == "done":
            self._telemetry.last_success.labels(self.stage).set_to_current_time()
        _log.info("%s in %.3f s", done.outcome.replace("_", " "), seconds)

    def _stopping(self) -> bool:
        return self.runtime.stop.is_set()

    def _delays(self) -> Iterator[float]:
        return delays(self.pace.first_delay, self.pace.longest_delay)


def _trace(error: BaseException) -> BaseException | None:
    """The trace belongs in the log for what nobody expected; what is raised on purpose explains itself."""
    return None if isinstance(error, Unprocessable) else error
