"""A stage: what a service does with messages, and how it is run.

The loop itself, with the order that everything rests on, is in `stage_loop`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from segwatch.contracts.envelope import Event
from segwatch.contracts.topics import dead_letters
from segwatch.streaming.closing import bounded
from segwatch.streaming.deadletters.pending import PendingLetters
from segwatch.streaming.runtime import Runtime
from segwatch.streaming.stage_loop import StageLoop, StageTimes
from segwatch.streaming.steps import await_topics
from segwatch.streaming.worker import Worker


@dataclass(frozen=True)
class Stage:
    """What a service does with messages.

    Attributes:
        name: of the stage; `group_of(name)` is its consumer group.
        reads: topics, each with its dead-letter topic beside it.
        handle: one message in, messages out; each goes to the topic that is its type.
        writes: the topics that results go to, so that their absence shows at start and not with a study.
    """

    name: str
    reads: Sequence[str]
    handle: Callable[[Event[Any]], Sequence[Event[Any]]]
    writes: Sequence[str] = ()


def group_of(stage: str) -> str:
    """The consumer group of a stage."""
    return f"segwatch.{stage}"


def run_stage(stage: Stage, runtime: Runtime[Any], pace: StageTimes | None = None) -> None:
    """Process records until `runtime.stop` is set; a topic that is missing is waited for.

    Raises:
        AskedToStop: before all topics were there.
        LostPlace: another process has this one's static member id.
    """
    topics = [*stage.reads, *map(dead_letters, stage.reads), *stage.writes]
    await_topics(topics, runtime)
    consumer = runtime.log.consumer(
        group=group_of(stage.name), topics=stage.reads, member=runtime.settings.member
    )
    producer = runtime.log.producer()
    worker = Worker()
    pending = PendingLetters(stage.name, runtime.log, stage.reads, runtime.telemetry)
    try:
        StageLoop(
            stage.name,
            stage.handle,
            runtime,
            consumer,
            producer,
            worker,
            pace or StageTimes(),
            pending.refresh,
        ).run()
    finally:
        runtime.ready(False)
        worker.close()
        pending.close()
        bounded(consumer.close, "the consumer")
        bounded(producer.close, "the producer")
