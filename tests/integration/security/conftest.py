"""A hospital's and the centre's broker as the local stack makes them: certificates, authoriser, rights."""

from collections.abc import Iterator

import pytest

from deploy.local.machine import jars
from deploy.local.stack.centre import Centre
from deploy.local.stack.hospital import Hospital
from tests.support.one_pulse import SETTINGS, SITE
from tests.support.places import OTHER, Places


@pytest.fixture(scope="package")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Both started; the tests are skipped where no broker can run."""
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    folder = tmp_path_factory.mktemp("places")
    hospital = Hospital(SITE, folder / SITE, SETTINGS, embedded=False)
    centre = Centre(folder / "central", "http://127.0.0.1:1", embedded=False)
    made = Places(hospital, centre)
    brokers = [made.broker("hospital"), made.broker("centre")]
    try:
        for broker in brokers:
            broker.launch()
        for broker in brokers:
            broker.wait()
        hospital.make_topics()
        centre.make_topics([SITE, OTHER])
        yield made
    finally:
        for broker in brokers:
            broker.stop()
