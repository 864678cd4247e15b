"""Reads and writes a fitted model as a skops file, and refuses whatever is not on a short list.

skops itself trusts every public type of scikit-learn, scipy and numpy. Here only the types that a scorer is
made of pass, and they are checked before anything is built. Format: skops.io, protocol 2 and later: a zip of
`schema.json`, a tree whose nodes name module, class and loader, and one `.npy` for each array.
"""

import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import skops.io
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from segwatch.errors import RefusedModel
from segwatch.scoring.bundle_files import LARGEST_BYTES
from segwatch.scoring.forms import Form, as_arrays, from_arrays

SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can carry: a file made twice is the same file."""

_ARRAY = re.compile(r"^[0-9A-Za-z_-]+\.npy$")
_OBJECTS = (
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._ridge.Ridge",
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.svm._classes.SVC",
    "sklearn.svm._classes.SVR",
)
ALLOWED = frozenset(
    {
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
        ("builtins.tuple", "TupleNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.ndarray", "NdArrayNode"),
        *((name, "ObjectNode") for name in _OBJECTS),
    }
)
"""Each type with the one loader that may build it."""


def write(model: Pipeline | Form) -> bytes:
    """The fitted pipeline, or a model of arrays, as a skops file; the same model gives the same bytes.

    skops names nodes and arrays by memory address and stamps the time; both are replaced.

    Raises:
        RefusedModel: the model holds a type that `read` would refuse.
    """
    with zipfile.ZipFile(
        io.BytesIO(skops.io.dumps(model if isinstance(model, Pipeline) else as_arrays(model)))
    ) as archive:
        schema = json.loads(archive.read(SCHEMA))
        arrays = {name: archive.read(name) for name in archive.namelist() if name != SCHEMA}
    _check_types(schema)
    names = _renumber(schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, SCHEMA, json.dumps(schema).encode())
        for old, new in names.items():
            _add(archive, new, arrays[old])
    return out.getvalue()


def read(data: bytes) -> Pipeline | Form:
    """The fitted model in a skops file: a pipeline, or the arrays of one of `forms`.

    Raises:
        RefusedModel: not a skops file, or one with a member or type that no scorer has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive)
            schema = json.loads(archive.read(SCHEMA))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError, EOFError) as error:
        raise RefusedModel(f"not a skops file ({type(error).__name__}: {str(error)[:200]})") from None
    _check_types(schema)
    try:
        with warnings.catch_warnings():
            # The manifest's versions decide whether this scikit-learn may load it.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = skops.io.loads(data, trusted=[])
    except Exception as error:  # noqa: BLE001 - hostile bytes can fail anywhere in there
        raise RefusedModel(f"skops refuses it ({type(error).__name__}: {str(error)[:200]})") from None
    if isinstance(model, dict):
        return from_arrays(model)
    if not isinstance(model, Pipeline):
        raise RefusedModel(f"it holds a {type(model).__name__}, not a pipeline")
    return model


def _check_members(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    strange = [name for name in names if name != SCHEMA and not _ARRAY.match(name)]
    if strange:
        raise RefusedModel(f"it holds {strange[0][:80]!r}; only {SCHEMA} and .npy arrays belong there")
    if len(set(names)) != len(names):
        raise RefusedModel("a member stands there twice")
    if sum(member.file_size for member in archive.infolist()) > LARGEST_BYTES:
        raise RefusedModel(f"it unpacks to more than {LARGEST_BYTES} bytes")


def _check_types(schema: Any) -> None:  # noqa: ANN401 - any JSON
    for node in _nodes(schema):
        named = (f"{node.get('__module__')}.{node.get('__class__')}", node.get("__loader__"))
        if named not in ALLOWED:
            raise RefusedModel(
                f"it holds {named[0][:120]} ({str(named[1])[:40]}), which no scorer is made of"
            )


def _nodes(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Every node of the tree that says how it is built, in the tree's order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if any(key in item for key in ("__class__", "__module__", "__loader__")):
                yield item
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Number the nodes in the tree's order, in place; the arrays' old names and new ones.

    Each node gets its own number: which small objects Python happens to share is left out, and no model
    here needs it. Keys keep their order, since skops lists their types beside them.
    """
    names: dict[str, str] = {}
    for number, node in enumerate(_nodes(schema), start=1):
        if "__id__" in node:
            node["__id__"] = number
        if "file" in node:
            node["file"] = names.setdefault(node["file"], f"{len(names)}.npy")
    return names


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, data)
