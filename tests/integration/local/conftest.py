"""Two brokers: a hospital's and the centre's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka.broker import Broker
from deploy.local.machine import jars
from deploy.local.machine.supervisor import running


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, Broker]]:
    """Both started; the test is skipped where no broker can run."""
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    folder: Path = tmp_path_factory.mktemp("brokers")
    hospital, centre = (Broker(folder / name, name=name) for name in ("hospital", "centre"))
    with running(hospital, centre):
        yield hospital, centre
