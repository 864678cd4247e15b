"""A hospital's and the centre's broker as the local stack makes them: certificates, authoriser, rights."""

from collections.abc import Iterator

import pytest

from deploy.local.machine import jars
from deploy.local.machine.supervisor import running
from deploy.local.stack.centre import Centre
from deploy.local.stack.hospital import Hospital
from tests.support.hospital_and_centre import OTHER, HospitalAndCentre
from tests.support.one_pulse import SETTINGS, SITE


@pytest.fixture(scope="package")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HospitalAndCentre]:
    """Both started; the tests are skipped where no broker can run."""
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    folder = tmp_path_factory.mktemp("both")
    hospital = Hospital(SITE, folder / SITE, SETTINGS, embedded=False)
    centre = Centre(folder / "central", "http://127.0.0.1:1", embedded=False)
    made = HospitalAndCentre(hospital, centre)
    with running(made.broker("hospital"), made.broker("centre")):
        hospital.make_topics()
        centre.make_topics([SITE, OTHER])
        yield made
