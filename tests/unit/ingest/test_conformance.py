"""The conformance statement is what a running service answers to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import (
    AE,
    BasicWorklistManagementPresentationContexts,
    QueryRetrievePresentationContexts,
    StorageCommitmentPresentationContexts,
)
from pynetdicom.presentation import build_context

from services.ingest.c_store import CStoreServer, Door
from services.ingest.conformance import PAGE, statement
from services.ingest.inbox import Inbox
from services.ingest.spool import Spool

AT_ONCE = 120
OTHERS = (
    *QueryRetrievePresentationContexts,
    *BasicWorklistManagementPresentationContexts,
    *StorageCommitmentPresentationContexts,
)
NOT_OFFERED = [*(str(each.abstract_syntax) for each in OTHERS), "1.2.840.10008.5.1.1.9", "1.2.3.4"]


def named(heading: str) -> list[str]:
    """The UIDs in the statement's table under a heading."""
    table = statement().split(f"| {heading} | UID |")[1].split("\n\n")[0]
    return re.findall(r"`([\d.]+)`", table)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CStoreServer]:
    inbox = Inbox(tmp_path / "inbox")
    server = CStoreServer(Spool(inbox), Door(callers=("TESTER", "OTHER")), host="127.0.0.1", port=0)
    yield server
    server.close()


def accepted(port: int, pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    found = set()
    for start in range(0, len(pairs), AT_ONCE):
        contexts = [build_context(*pair) for pair in pairs[start : start + AT_ONCE]]
        association = AE(ae_title="TESTER").associate("127.0.0.1", port, contexts, ae_title="SEGWATCH")
        assert association.is_established
        found |= {(str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in association.accepted_contexts}
        association.release()
    return found


def test_the_page_is_current():
    assert PAGE.read_text() == statement(), "run `python -m services.ingest.conformance`"


def test_every_class_and_every_syntax_that_is_named_is_accepted(server: CStoreServer):
    classes, syntaxes = named("SOP class"), named("transfer syntax")
    assert len(classes) > 100
    pairs = [(each, syntax) for each in classes for syntax in syntaxes]
    assert accepted(server.port, pairs) == set(pairs)


def test_what_is_not_named_is_not_accepted(server: CStoreServer):
    classes, syntaxes = named("SOP class"), named("transfer syntax")
    pairs = [(each, syntaxes[0]) for each in NOT_OFFERED]
    pairs += [(classes[0], str(each)) for each in {*AllTransferSyntaxes, "1.2.3.4.5"} - set(syntaxes)]
    assert not set(pairs) & {(each, syntax) for each in classes for syntax in syntaxes}
    assert accepted(server.port, [*pairs, (classes[0], syntaxes[0])]) == {(classes[0], syntaxes[0])}


def test_a_caller_that_is_not_listed_is_turned_away_for_good(server: CStoreServer):
    contexts = [build_context(named("SOP class")[0])]
    association = AE(ae_title="STRANGER").associate("127.0.0.1", server.port, contexts, ae_title="SEGWATCH")
    assert association.is_rejected
    assert association.acceptor.primitive.result == 1


def test_one_association_too_many_is_turned_away_for_now(tmp_path: Path):
    server = CStoreServer(Spool(Inbox(tmp_path)), Door(associations=2), host="127.0.0.1", port=0)
    contexts = [build_context("1.2.840.10008.1.1")]
    entity = AE(ae_title="TESTER")
    try:
        several = [
            entity.associate("127.0.0.1", server.port, contexts, ae_title="SEGWATCH") for _ in range(3)
        ]
        assert [each.is_established for each in several] == [True, True, False]
        assert several[2].acceptor.primitive.result == 2
        for each in several[:2]:
            each.release()
    finally:
        server.close()
