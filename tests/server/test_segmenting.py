"""A server that segments by itself: the bundle with torch, and the demonstration's network."""

import json

import pytest

from deploy.local.machine.waiting import comes_true
from deploy.server.layout import CURRENT, DATA
from segwatch.contracts.topics import SEGMENTED
from tests.server.hospital import SECONDS, Hospital

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
LOOK = """
import json, sys
from deploy.server.kafka import address
from segwatch.streaming.topic_reader import whole_topic
with address().open() as log:
    print(json.dumps([json.loads(each.value)["lesion_source"] for each in whole_topic(log, sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def segmenting(bare: Hospital) -> Hospital:
    """A hospital whose masks come of its own nnU-Net bundle."""
    if not list(bare.machine.at("/bundle/wheels").glob("torch-*")):
        pytest.skip("the bundle was packed with SEGMENTATION=no")
    bare.install(LESION_MODEL="/models/lesion")
    bare.put_models()
    lesion = f"{CURRENT}/app/deploy/models/demo-lesion"
    bare.machine.run("cp", "-r", lesion, f"{DATA}/models/lesion")
    bare.machine.run("chmod", "-R", "a+rX", f"{DATA}/models/lesion")
    assert comes_true(lambda: bare.ready("segmentation")[0] == 200, SECONDS), bare.said("segmentation")
    return bare


def test_an_examination_without_a_mask_is_segmented_and_scored(segmenting: Hospital):
    segmenting.feed(range(2), masks=False)

    assert len(segmenting.scored(2)) == 2
    assert json.loads(segmenting.python("-c", LOOK, SEGMENTED)) == ["nnunet", "nnunet"]


def test_the_unit_that_runs_torch_is_shut_in_as_the_others_are(segmenting: Hospital):
    words = ("systemd-analyze", "security", "--threshold=30", "--no-pager", "segwatch-segmentation.service")

    assert segmenting.machine.run(*words, check=False).returncode == 0
