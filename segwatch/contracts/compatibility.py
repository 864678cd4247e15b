"""Whether readers of a new schema can still read every message that the old one allowed.

The log is the state, so old messages stay in it: a schema that refuses one of them needs a new version of
its topic. Readers are upgraded before writers. The comparison is by structure, and it errs on the side of
calling a change breaking.
"""

from typing import Any

from segwatch.contracts.base import LEAVES

Schema = dict[str, Any]

_WORDS = frozenset({"description", "title", "$id", "$schema", "examples", "default"})
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What in `new` refuses messages that `old` allowed, or lets a field leave that did not; one line each.

    Args:
        old: the schema that deployed writers keep to.
        new: the schema that is proposed for the same version.
    """
    return _compare(old, new, old, new, "message")


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> list[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    found = _bounds(old, new, at) + _properties(old, new, old_root, new_root, at)
    if new.get(LEAVES) and not old.get(LEAVES):
        found.append(f"{at}: may leave the hospital now")
    for word in ("anyOf", "oneOf"):
        found += _variants(old.get(word, []), new.get(word, []), old_root, new_root, at)
    for word in ("items", "additionalProperties", "propertyNames"):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            found += _compare(old[word], new[word], old_root, new_root, f"{at}[]")
    handled = {*_LOWER, *_UPPER, "enum", "properties", "required", "anyOf", "oneOf", "items", "$defs", LEAVES}
    for word in sorted((old.keys() | new.keys()) - handled - _WORDS):
        if _differs(old.get(word), new.get(word)):
            found.append(f"{at}: {word} differs")
    return found


def _differs(old: Any, new: Any) -> bool:  # noqa: ANN401 - any JSON value
    if new is None:
        return False
    return bool(old != new) and not (isinstance(old, dict) and isinstance(new, dict))


def _resolve(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return {**target, **{word: value for word, value in schema.items() if word != "$ref"}}


def _bounds(old: Schema, new: Schema, at: str) -> list[str]:
    found = [f"{at}: {w} is narrower" for w in _LOWER if w in new and new[w] > old.get(w, float("-inf"))]
    found += [f"{at}: {w} is narrower" for w in _UPPER if w in new and new[w] < old.get(w, float("inf"))]
    if "enum" in new and not set(old.get("enum", [None])) <= set(new["enum"]):
        found.append(f"{at}: a value is no longer allowed")
    return found


def _properties(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    found = [f"{at}.{name}: is gone" for name in before if name not in after]
    needed = set(new.get("required", [])) - set(old.get("required", []))
    found += [f"{at}.{name}: is required now" for name in sorted(needed)]
    for name in before.keys() & after.keys():
        found += _compare(before[name], after[name], old_root, new_root, f"{at}.{name}")
    return found


def _variants(
    before: list[Schema], after: list[Schema], old_root: Schema, new_root: Schema, at: str
) -> list[str]:
    if before and not after:
        return [f"{at}: the variants are gone"]
    return [
        f"{at}: variant {number} is not read any more"
        for number, variant in enumerate(before)
        if all(_compare(variant, candidate, old_root, new_root, at) for candidate in after)
    ]
