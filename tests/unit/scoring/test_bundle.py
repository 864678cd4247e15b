"""Bundles: whatever was changed, made otherwise or by others is refused with its reason."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from segwatch.errors import RefusedModel
from segwatch.scoring.bundle import Scorer, load
from segwatch.scoring.skops_file import LARGEST_BYTES, read, write
from segwatch.training.train import Trained


def with_model(bundle: Path, data: bytes) -> None:
    """Put another model in, with a manifest that names its hash: what somebody hostile would do."""
    (bundle / "model.skops").write_bytes(data)
    with_manifest(bundle, model_sha256=hashlib.sha256(data).hexdigest())


def with_manifest(bundle: Path, **fields: Any) -> None:
    file = bundle / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def rewritten(data: bytes, schema: dict[str, Any] | None = None, **more: bytes) -> bytes:
    """A skops file with another schema, or with members added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            replaced = json.dumps(schema) if schema and name == "schema.json" else old.read(name)
            new.writestr(name, replaced)
        for name, content in more.items():
            new.writestr(name, content)
    return out.getvalue()


def schema_of(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema: dict[str, Any] = json.loads(archive.read("schema.json"))
    return schema


def test_a_bundle_is_the_model_that_was_trained(scorer: Scorer, trained: Trained) -> None:
    values = trained.rows.values
    np.testing.assert_array_equal(scorer.model.predict_proba(values), trained.model.predict_proba(values))


def test_the_same_model_is_written_as_the_same_bytes(trained: Trained) -> None:
    assert write(read(trained.skops)) == trained.skops


def test_a_model_that_was_changed_is_refused_by_its_hash(bundle: Path) -> None:
    file = bundle / "model.skops"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(RefusedModel, match="is not the file that its manifest names"):
        load(bundle)


def test_a_pickle_is_refused_even_where_the_manifest_names_its_hash(bundle: Path) -> None:
    with_model(bundle, pickle.dumps(StandardScaler()))
    with pytest.raises(RefusedModel, match="not a skops file"):
        load(bundle)


def test_a_pickle_inside_the_zip_is_refused(bundle: Path, trained: Trained) -> None:
    with_model(bundle, rewritten(trained.skops, **{"model.pkl": pickle.dumps(1)}))
    with pytest.raises(RefusedModel, match=r"'model\.pkl'"):
        load(bundle)


def test_an_array_of_pickled_objects_is_refused(bundle: Path, trained: Trained) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(trained.skops)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, stream.getvalue() if name == "0.npy" else old.read(name))
    with_model(bundle, out.getvalue())
    with pytest.raises(RefusedModel, match="skops refuses it"):
        load(bundle)


def test_an_estimator_that_no_scorer_is_made_of_is_refused_by_its_name() -> None:
    values = np.random.default_rng(0).normal(size=(20, 2))
    other = Pipeline([("scale", StandardScaler()), ("model", KMeans(2, n_init=1))]).fit(values)
    with pytest.raises(RefusedModel, match=r"sklearn\.cluster\._kmeans\.KMeans"):
        read(skops.io.dumps(other))


@pytest.mark.parametrize(
    ("module", "name", "loader"),
    [
        ("os", "system", "FunctionNode"),
        ("sklearn.linear_model._logistic", "LogisticRegression", "MethodNode"),
        ("builtins", "eval", "TypeNode"),
    ],
)
def test_a_node_that_would_call_something_is_refused_before_it_is_built(
    module: str, name: str, loader: str, trained: Trained
) -> None:
    schema = schema_of(trained.skops)
    schema["content"] = {"__module__": module, "__class__": name, "__loader__": loader, "content": {}}
    with pytest.raises(RefusedModel, match=name):
        read(rewritten(trained.skops, schema))


def test_a_model_that_is_no_pipeline_is_refused() -> None:
    scale = StandardScaler().fit(np.eye(3))
    with pytest.raises(RefusedModel, match="not a pipeline"):
        read(skops.io.dumps(scale))


def test_a_truncated_file_is_refused(trained: Trained) -> None:
    with pytest.raises(RefusedModel, match="not a skops file"):
        read(trained.skops[: len(trained.skops) // 2])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": "segwatch-scorer/2"}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"bin_edges": [0.1, 0.4, 0.6, 0.8]}, "edges"),
        ({"kind": "regressor"}, "calibration does not fit"),
        ({"outside": {"quantile": 0.99, "bound": 3.0, "precision": [[1.0]]}}, "4 by 4"),
        ({"threshold": None}, "threshold"),
        ({"term_statistics": [{"name": "t", "mean": 0.0, "sd": 1.0, "low": 0.0, "high": 1.0}]}, "differ"),
        ({"interval": {"coverage": 0.8, "low": 0.2, "high": 0.1}}, "low is above its high"),
    ],
)
def test_a_manifest_that_breaks_its_schema_is_refused_by_the_field(
    fields: dict[str, Any], says: str, bundle: Path
) -> None:
    with_manifest(bundle, **fields)
    with pytest.raises(RefusedModel, match=says):
        load(bundle)


def test_a_scorer_of_another_scikit_learn_is_refused(bundle: Path) -> None:
    with_manifest(bundle, versions={"scikit-learn": "0.24.2"})
    with pytest.raises(RefusedModel, match=r"made with scikit-learn 0\.24\.2"):
        load(bundle)


def test_a_manifest_with_fewer_features_than_the_model_is_refused(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    precision = [row[:3] for row in manifest["outside"]["precision"][:3]]
    fewer = {**manifest["outside"], "precision": precision, "doubt": None}
    with_manifest(bundle, features=manifest["features"][:3], outside=fewer)
    with pytest.raises(RefusedModel, match="does not do what its manifest says"):
        load(bundle)


@pytest.mark.parametrize("name", ["model.skops", "manifest.json"])
def test_a_bundle_without_one_of_its_files_is_refused_by_the_file(name: str, bundle: Path) -> None:
    (bundle / name).unlink()
    with pytest.raises(RefusedModel, match=name):
        load(bundle)


@pytest.mark.parametrize("name", ["../0.npy", "/etc/0.npy", "arrays/0.npy", "..\\0.npy", "0.npy/../../1.npy"])
def test_a_member_that_would_lie_elsewhere_is_refused(name: str, bundle: Path, trained: Trained) -> None:
    with_model(bundle, rewritten(trained.skops, **{name: b"x"}))
    with pytest.raises(RefusedModel, match=r"only schema\.json and \.npy arrays belong there"):
        load(bundle)


def test_a_link_among_the_members_stays_bytes(trained: Trained, tmp_path: Path) -> None:
    """A zip may mark a member as a symbolic link; nothing here unpacks to a disk, so it points nowhere."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(trained.skops)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == "0.npy":
                member.external_attr, data = 0o120777 << 16, str(tmp_path / "secret").encode()
            new.writestr(member, data)
    with pytest.raises(RefusedModel):
        read(out.getvalue())


def test_a_file_that_unpacks_to_more_than_any_scorer_is_refused_before_it_is(trained: Trained) -> None:
    out = io.BytesIO(trained.skops)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", b"0" * (LARGEST_BYTES + 1))
    assert len(out.getvalue()) < LARGEST_BYTES // 10
    with pytest.raises(RefusedModel, match="unpacks to more than"):
        read(out.getvalue())
