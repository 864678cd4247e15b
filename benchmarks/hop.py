"""How long a record takes from one idle service to the next, and what the stage loop costs.

`python -m benchmarks.hop` starts a real broker and two services with the real stage loop, sends a message
every 100 ms through both, and measures from the first one's return to the second one's call. Then it works
off a backlog twice: with a stage, and with a bare kafka-python loop that sends, waits for the
acknowledgement and commits just the same, but neither reads nor checks nor watches anything.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import kafka

from deploy.local.kafka.broker import Broker
from segwatch.contracts.envelope import Event, encode
from segwatch.contracts.topics import MEASURED, SCORED, SEGMENTED, dead_letters
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.kafka.options import connection
from segwatch.streaming.log import Log, outgoing
from segwatch.streaming.runtime import Runtime, main, start
from segwatch.streaming.settings import ConnectionSettings, ServiceSettings
from segwatch.streaming.stage import Stage, run_stage
from tests.support.messages import MESSAGES, NOW

TOPICS = (SEGMENTED, MEASURED, SCORED)
BETWEEN_SECONDS = 0.1
"""Long enough that both services are idle again before the next message comes."""
WARM_UP = 20
ROUNDS = 3
"""Bare loop and stage by turns, since other work on the machine comes and goes; medians are shown."""
SENT, HOP = "sentns", "hopns"
"""CloudEvents extensions that carry the clock readings (CLOCK_MONOTONIC, shared by all processes)."""


def message(topic: str, number: int, **extensions: str) -> Event[Any]:
    """A message as services send it."""
    return Event(
        id=f"{topic}-{number}",
        type=topic,
        key="5" * 32,
        source="/benchmark",
        time=NOW,
        data=MESSAGES[topic],
        correlation="benchmark",
        extensions=extensions,
    )


def first(event: Event[Any]) -> Sequence[Event[Any]]:
    """The first service notes when it hands its result over."""
    return [replace(message(MEASURED, 0), id=event.id, extensions={SENT: str(time.monotonic_ns())})]


def second(event: Event[Any]) -> Sequence[Event[Any]]:
    """The second service notes how long ago that was."""
    hop = time.monotonic_ns() - int(event.extensions.get(SENT, "0"))
    return [replace(message(SCORED, 0), id=event.id, extensions={HOP: str(hop)})]


STAGES = {
    "first": Stage("benchmark-first", [SEGMENTED], first),
    "second": Stage("benchmark-second", [MEASURED], second),
}


@contextmanager
def services(bootstrap: str) -> Iterator[None]:
    """Both services as processes."""
    given = {"SEGWATCH_KAFKA_BOOTSTRAP": bootstrap, "SEGWATCH_HTTP_PORT": "0", "SEGWATCH_LOG_LEVEL": "ERROR"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hop", "--stage", name], env={**os.environ, **given}
        )
        for name in STAGES
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def hops(log: Log, number: int) -> list[float]:
    """Milliseconds from service to service, one message at a time."""
    found: list[float] = []
    with log.producer() as producer, log.reader([SCORED]) as reader:
        for index in range(number + WARM_UP):
            producer.send([outgoing(SEGMENTED, message(SEGMENTED, index))])
            came = list(reader.poll(BETWEEN_SECONDS))
            while not came:
                came = list(reader.poll(1.0))
            found += [int(dict(record.headers)[f"ce_{HOP}"]) / 1e6 for record in came]
            time.sleep(BETWEEN_SECONDS)
    return found[WARM_UP:]


def stage_rate(settings: ServiceSettings, backlog: int) -> float:
    """Messages a second of a stage that works off a backlog."""
    done = 0
    times: list[float] = []

    with start("benchmark", settings) as runtime:

        def handle(event: Event[Any]) -> Sequence[Event[Any]]:
            nonlocal done
            done += 1
            times.append(time.perf_counter())
            if done == backlog:
                runtime.stop.set()
            return [replace(message(SCORED, 0), id=event.id)]

        thread = threading.Thread(
            target=run_stage, args=(Stage(f"backlog-{time.time_ns()}", [MEASURED], handle), runtime)
        )
        thread.start()
        thread.join()
    return (len(times) - 1) / (times[-1] - times[0])


def bare_rate(bootstrap: str, backlog: int) -> float:
    """Messages a second of kafka-python alone, with the same acknowledgements and commits."""
    key, value, headers = encode(message(SCORED, 0))
    options = connection(ConnectionSettings(kafka_bootstrap=bootstrap))
    producer = kafka.KafkaProducer(acks="all", linger_ms=0, metrics_enabled=False, **options)
    consumer = kafka.KafkaConsumer(
        MEASURED,
        group_id=f"benchmark-bare-{time.time_ns()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=1,
        metrics_enabled=False,
        **options,
    )
    times: list[float] = []
    while len(times) < backlog:
        for partition, [record] in consumer.poll(timeout_ms=1000).items():
            times.append(time.perf_counter())
            producer.send(SCORED, key=key, value=value, headers=list(headers)).get(timeout=60)
            consumer.commit({partition: kafka.OffsetAndMetadata(record.offset + 1, "", -1)})
    producer.close()
    consumer.close()
    return (len(times) - 1) / (times[-1] - times[0])


def measure(number: int, backlog: int) -> None:
    """Run all and print the figures."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        settings = ServiceSettings(
            kafka_bootstrap=broker.bootstrap, http_host="127.0.0.1", http_port=0, log_level="ERROR"
        )
        with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as log:
            log.create_topics({name: 1 for topic in TOPICS for name in (topic, dead_letters(topic))})
            with services(broker.bootstrap):
                milliseconds = hops(log, number)
            with log.producer() as producer:
                producer.send([outgoing(MEASURED, message(MEASURED, index)) for index in range(backlog)])
        pairs = [(bare_rate(broker.bootstrap, backlog), stage_rate(settings, backlog)) for _ in range(ROUNDS)]
    bare, stage = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    rows = {
        f"hop between idle services, median of {number}": f"{statistics.median(milliseconds):.1f} ms",
        "hop, 90th percentile": f"{statistics.quantiles(milliseconds, n=10)[-1]:.1f} ms",
        f"bare kafka-python, backlog of {backlog}": f"{bare:.0f} messages/s",
        "stage, the same backlog": f"{stage:.0f} messages/s ({stage / bare:.2f} of the bare loop)",
    }
    for what, figure in rows.items():
        print(f"{what:<48} {figure}")


def _stage(runtime: Runtime[ServiceSettings], name: str) -> None:
    run_stage(STAGES[name], runtime)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hops", type=int, default=200)
    parser.add_argument("--backlog", type=int, default=1000)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        sys.exit(main(given.stage, ServiceSettings, lambda runtime: _stage(runtime, given.stage)))
    measure(given.hops, given.backlog)
