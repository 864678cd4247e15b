"""What a broker is given before it starts."""

import base64
import uuid

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.kafka.broker import cluster_id


@given(st.uuids())
def test_a_cluster_id_never_looks_like_an_option(drawn):
    named = cluster_id(drawn)
    assert named[0].isalpha()
    assert len(base64.urlsafe_b64decode(named + "==")) == 16


def test_a_draw_that_would_begin_with_a_dash_is_still_an_id():
    dashed = uuid.UUID(bytes=base64.urlsafe_b64decode("-" + "A" * 21 + "=="))
    assert cluster_id(dashed) == "e" + "A" * 21
