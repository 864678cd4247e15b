"""A hospital and the centre as the local stack makes them, for tests of who may do what."""

from dataclasses import dataclass

from deploy.local.kafka.broker import Broker
from deploy.local.stack.centre import Centre
from deploy.local.stack.hospital import Hospital

OTHER = "hospital-b"


@dataclass(frozen=True)
class HospitalAndCentre:
    """Both, with topics and rights; the centre knows another hospital too."""

    hospital: Hospital
    centre: Centre

    def broker(self, where: str) -> Broker:
        found = (self.hospital if where == "hospital" else self.centre).broker
        assert found is not None
        return found
