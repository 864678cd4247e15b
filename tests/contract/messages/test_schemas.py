"""The schema files are what the types say, and say of every field whether it may leave."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.contracts.base import LEAVES
from segwatch.contracts.compatibility import breaking_changes
from segwatch.contracts.identity import digest_of, pseudonym, result_id
from segwatch.contracts.schemas import all_files, stale, write_all

SCHEMAS = Path(__file__).parents[3] / "schemas"
FILES = sorted(name for name in all_files() if name.endswith(".json"))


def load(name: str) -> dict[str, Any]:
    return json.loads(all_files()[name])


def objects_in(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for child in node for found in objects_in(child)]
    if not isinstance(node, dict):
        return []
    inner = [found for child in node.values() for found in objects_in(child)]
    return [node, *inner] if "properties" in node else inner


def test_the_schema_files_are_current():
    assert stale(SCHEMAS) == []


def test_every_released_schema_can_still_be_read():
    for released in (SCHEMAS / "released").glob("*.json"):
        old = json.loads(released.read_text())
        assert breaking_changes(old, load(released.name)) == [], released.name


@pytest.mark.parametrize("name", FILES)
def test_every_object_is_closed_and_every_field_says_whether_it_may_leave(name: str):
    for node in objects_in(load(name)):
        assert node.get("additionalProperties") is False
        assert all(LEAVES in field for field in node["properties"].values())


def test_every_field_of_a_release_may_leave_and_none_of_a_study():
    marks = {
        name: {f[LEAVES] for o in objects_in(load(name)) for f in o["properties"].values()} for name in FILES
    }
    assert marks["site.release.v1.json"] == {True}
    study = load("study.scored.v1.json")
    assert {field[LEAVES] for field in study["properties"].values()} == {False}


def test_writing_schemas_twice_changes_nothing(tmp_path: Path):
    assert set(write_all(tmp_path)) == set(all_files())
    assert write_all(tmp_path) == []


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_compatible_with_itself(name: str):
    assert breaking_changes(load(name), load(name)) == []


def test_an_optional_field_more_is_no_breaking_change():
    new = copy.deepcopy(load("study.received.v1.json"))
    new["properties"]["ward"] = {"type": "string", LEAVES: False}
    assert breaking_changes(load("study.received.v1.json"), new) == []


def _without(schema: dict[str, Any]) -> None:
    del schema["properties"]["ct_unit"]


def _required(schema: dict[str, Any]) -> None:
    schema["required"].append("lung")


def _narrower(schema: dict[str, Any]) -> None:
    schema["properties"]["arrived_by"]["enum"].remove("folder")


def _leaving(schema: dict[str, Any]) -> None:
    schema["properties"]["patient"][LEAVES] = True


def _retyped(schema: dict[str, Any]) -> None:
    schema["$defs"]["ObjectRef"]["properties"]["bytes"]["type"] = "string"


@pytest.mark.parametrize("change", [_without, _required, _narrower, _leaving, _retyped])
def test_a_change_that_refuses_old_messages_or_lets_more_leave_is_found(change):
    new = copy.deepcopy(load("study.received.v1.json"))
    change(new)
    assert breaking_changes(load("study.received.v1.json"), new)


@given(
    st.lists(st.text(max_size=8), min_size=3, max_size=3),
    st.lists(st.text(max_size=8), min_size=3, max_size=3),
)
def test_results_share_a_name_only_when_stage_origin_and_settings_are_the_same(one, other):
    assert (result_id(*one) == result_id(*other)) == (one == other)


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_pseudonyms_differ_by_secret_and_by_kind():
    one, other = b"0" * 16, b"1" * 16
    names = {pseudonym(one, "study", "x"), pseudonym(one, "patient", "x"), pseudonym(other, "study", "x")}
    assert len(names) == 3


def test_a_pseudonym_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        pseudonym(b"short", "study", "x")
