"""Records as nobody should send them: from a message's JSON Schema, beside it, and beyond it."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from segwatch.contracts.envelope import TYPES, Event, encode
from segwatch.contracts.schemas import schema_of
from segwatch.streaming.log import Outgoing

Json = Any
Path = tuple[str | int, ...]
HEADERS = st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=20)), max_size=6)
FAR = 1e300
STRANGE_TEXT = st.sampled_from(
    [
        "",
        "../../../etc/passwd",
        "/etc/passwd",
        "objects/../../secret",
        "objects/ab/" + "0" * 64 + ".b2",
        "file:///etc/passwd",
        "s3://elsewhere/objects/ab",
        "http://127.0.0.1:1/objects",
        "objects/ab/\x00.b2",
        "ａ" * 32,
        "5" * 32 + "\n",
        "x" * 100_000,
        "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    ]
)
STRANGE_NUMBER = st.sampled_from([0, -1, -0.0, 1e-300, FAR, 2**63, -(2**63), 10**30, 0.1, 1, 2**31])
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | STRANGE_TEXT
    | STRANGE_NUMBER,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NO_JSON = st.sampled_from(
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"\x80\x05cos\nsystem\n",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"1" * 100_000,
        b'{"study": "' + b"5" * 500_000 + b'"}',
        b'{"bytes": 1e999999}',
    ]
)


def of_schema(topic: str) -> st.SearchStrategy[Json]:
    """Values that keep to the topic's JSON Schema; what the schema cannot say may still be wrong in them."""
    root = schema_of(TYPES[topic], topic)
    return _value(root, root.get("$defs", {}), 0)


def beside(message: Json) -> st.SearchStrategy[Json]:
    """A good message with one to three places changed, dropped, doubled or added."""
    places = list(_places(message))

    @st.composite
    def changed(draw: st.DrawFn) -> Json:
        made = copy.deepcopy(message)
        for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True)):
            _change(made, place, draw(st.sampled_from(["put", "drop", "add"])), draw(ANY_JSON))
        return made

    return changed()


def records(topic: str, good: Event[Any]) -> st.SearchStrategy[Outgoing]:
    """One record: of the schema, beside a good one, or nothing of the kind."""
    key, value, headers = encode(good)
    message = json.loads(value)
    bodies = st.one_of(
        of_schema(topic).map(_dumped),
        beside(message).map(_dumped),
        beside(message).map(_dumped),
        st.just(value),
        NO_JSON,
        st.binary(max_size=200),
    )
    named = st.one_of(
        st.just(headers),
        st.just(headers),
        st.just(headers),
        HEADERS.map(tuple),
        st.integers(0, len(headers) - 1).map(lambda i: headers[:i] + headers[i + 1 :]),
        st.sampled_from([b"", b"\xff", b"1.1", b"x" * 70_000]).flatmap(
            lambda odd: st.integers(0, len(headers) - 1).map(
                lambda i: (*headers[:i], (headers[i][0], odd), *headers[i + 1 :])
            )
        ),
    )
    keys = st.one_of(st.just(key), st.none(), st.binary(max_size=40))
    return st.builds(Outgoing, st.just(topic), keys, st.one_of(bodies, bodies, st.none()), named)


def _dumped(value: Json) -> bytes:
    return json.dumps(value).encode()


def _places(node: Json, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in steps:
        yield from _places(child, (*at, step))


def _change(message: Json, place: Path, how: str, value: Json) -> None:
    *way, last = place
    node = message
    try:
        for step in way:
            node = node[step]
        if how == "drop":
            del node[last]
        elif how == "add" and isinstance(node, dict):
            node[f"{last}_more"] = value
        else:
            node[last] = value
    except (KeyError, IndexError, TypeError):
        return  # an earlier change took the place away


def _value(schema: Json, defs: Json, depth: int) -> st.SearchStrategy[Json]:  # noqa: C901 - one case a keyword
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs, depth + 1)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([_value(each, defs, depth) for each in schema[choice]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _object(schema, defs, depth)
        case "array":
            return _array(schema, defs, depth)
        case "string":
            return _string(schema)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(
                schema.get("minimum", schema.get("exclusiveMinimum")),
                schema.get("maximum"),
                exclude_min="exclusiveMinimum" in schema,
                allow_nan=False,
                allow_infinity=False,
            )
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise AssertionError(f"the schemas have learnt something that this does not know: {schema}")


def _object(schema: Json, defs: Json, depth: int) -> st.SearchStrategy[Json]:
    if "properties" in schema:
        fields = {name: _value(each, defs, depth) for name, each in schema["properties"].items()}
        needed = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {name: each for name, each in fields.items() if name in needed},
            optional={name: each for name, each in fields.items() if name not in needed},
        )
    ((pattern, each),) = schema["patternProperties"].items()
    return st.dictionaries(st.from_regex(pattern, fullmatch=True), _value(each, defs, depth), max_size=4)


def _array(schema: Json, defs: Json, depth: int) -> st.SearchStrategy[Json]:
    if "prefixItems" in schema:
        return st.tuples(*[_value(each, defs, depth) for each in schema["prefixItems"]]).map(list)
    most = min(schema.get("maxItems", 4), 4)
    return st.lists(_value(schema["items"], defs, depth), min_size=schema.get("minItems", 0), max_size=most)


def _string(schema: Json) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda each: each.isoformat() + "Z")
    if schema.get("format") == "date":
        return st.dates().map(str)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))
