"""The keeper on a real broker: certificates by its own authority, topics, and no right that nobody gave."""

import base64

import pytest

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.log_address import LogAddress
from segwatch.contracts.topics import HOSPITAL_TOPICS, LEDGER, RECEIVED
from segwatch.keeper.certificates import AUTHORITY, secrets_of
from segwatch.keeper.keeping import one_round
from segwatch.streaming.access import HOSPITAL
from segwatch.streaming.authority import Authority, Identity
from tests.support.kubernetes_api import Api, serving

pytestmark = pytest.mark.broker


def principal(api, folder, name):
    """A service's files, as its pod mounts them."""
    at = folder / name
    at.mkdir()
    for entry in api.held[name]:
        (at / entry).write_bytes(api.entry(name, entry))
    return Identity(name, at / "ca.crt", at / "user.crt", at / "user.key", at / "user.pem")


def test_a_bare_broker_has_all_topics_and_each_principal_sees_its_own(tmp_path):
    authority = Authority(tmp_path / "authority", "log")
    api = Api(secrets_of(HOSPITAL))
    files = {"ca.crt": Authority.CERTIFICATE, "ca.key": Authority.KEY}
    api.held[AUTHORITY] = {
        entry: base64.b64encode((authority.folder / file).read_bytes()).decode()
        for entry, file in files.items()
    }
    (tmp_path / "pod").mkdir()
    with (
        Broker(tmp_path / "broker", authority=authority) as broker,
        serving(api, tmp_path) as secrets,
    ):
        made = one_round(secrets, tmp_path / "pod", broker.bootstrap, None, [])
        again = one_round(secrets, tmp_path / "pod", broker.bootstrap, None, [])
        seen = {}
        for name in ("segmentation", "aggregation"):
            address = LogAddress(broker.bootstrap, identity=principal(api, tmp_path, name))
            with address.open() as log:
                seen[name] = log.topics()

    assert made == [f"made {name}" for name in HOSPITAL_TOPICS]
    assert again == []
    assert RECEIVED in seen["segmentation"]
    assert LEDGER in seen["aggregation"]
    assert LEDGER not in seen["segmentation"]
    assert RECEIVED not in seen["aggregation"]
