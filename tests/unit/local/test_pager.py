"""The pager."""

import json
import urllib.error
import urllib.request

import pytest

from deploy.local.stack.pager import Pager

POST = {
    "version": "4",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "SegwatchQualityDrop", "site": "hospital-b", "severity": "page"},
            "annotations": {"summary": "Quality has dropped", "description": "62 % need attention"},
        },
        {"status": "resolved", "labels": {"alertname": "SegwatchSiteSilent"}},
    ],
}


@pytest.fixture
def receiver():
    made = Pager()
    yield made
    made.close()


def post(receiver, body: bytes) -> int:
    request = urllib.request.Request(receiver.url("hospital-a"), data=body, method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status


def test_each_alert_of_a_post_is_a_page_and_is_taken_once(receiver):
    assert post(receiver, json.dumps(POST).encode()) == 200
    first, second = receiver.take()
    assert (first.alert, first.site, first.status) == ("SegwatchQualityDrop", "hospital-b", "firing")
    assert first.whose == "hospital-a"
    assert first.summary == "Quality has dropped"
    assert (second.site, second.severity, second.summary) == (None, None, "")
    assert receiver.take() == []


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"alerts": [{}]}'])
def test_what_is_no_post_of_alertmanagers_is_refused_and_hurts_nobody(receiver, body):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(receiver, body)
    refused.value.close()
    assert refused.value.code == 400
    assert post(receiver, json.dumps(POST).encode()) == 200
