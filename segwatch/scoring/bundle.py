"""A scorer as a folder: model.skops, manifest.json, MODEL_CARD.md. Data, never code; checked before use."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from pydantic import ValidationError
from sklearn.pipeline import Pipeline

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.envelope import describe
from segwatch.errors import RefusedModel
from segwatch.files import write_whole
from segwatch.scoring.bins import COUNT
from segwatch.scoring.forms import Form
from segwatch.scoring.manifest import CARD_FILE, MANIFEST_FILE, MODEL_FILE, ScorerManifest
from segwatch.scoring.predict import serve
from segwatch.scoring.skops_file import LARGEST_BYTES, read

TRAIN_AGAIN = "train it again with `segwatch train`"


@dataclass(frozen=True)
class Scorer:
    """A scorer, ready to use. Its identity is the hash of its manifest, which holds the model's hash."""

    model: Pipeline | Form
    manifest: ScorerManifest
    identity: ModelIdentity


def load(folder: Path) -> Scorer:
    """The scorer in a bundle folder.

    Raises:
        RefusedModel: a file is missing, changed, made otherwise or by another version; names the file.
    """
    written = _read(folder / MANIFEST_FILE)
    manifest = _manifest(written, folder / MANIFEST_FILE)
    data = _read(folder / MODEL_FILE)
    found = hashlib.sha256(data).hexdigest()
    if found != manifest.model_sha256:
        raise RefusedModel(
            f"{folder / MODEL_FILE} is not the file that its manifest names: its sha256 is {found}, "
            f"the manifest says {manifest.model_sha256}; take the bundle from its source again"
        )
    _check_version(manifest, folder)
    try:
        model = read(data)
    except RefusedModel as error:
        raise RefusedModel(f"{folder / MODEL_FILE} is refused: {error}") from None
    _try_out(model, manifest, folder)
    return Scorer(model, manifest, identity_of(manifest.name, written))


def save(folder: Path, model: bytes, manifest: ScorerManifest, card: str) -> ModelIdentity:
    """Write a bundle, the manifest last: a bundle that was only half written is refused by `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = (manifest.model_dump_json(indent=2) + "\n").encode()
    for name, data in ((MODEL_FILE, model), (CARD_FILE, card.encode()), (MANIFEST_FILE, written)):
        write_whole(folder / name, data)
    return identity_of(manifest.name, written)


def identity_of(name: str, manifest: bytes) -> ModelIdentity:
    """Who a scorer is: another threshold or calibration makes another scorer."""
    return ModelIdentity(name=name, sha256=hashlib.sha256(manifest).hexdigest())


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RefusedModel(
            f"cannot read {file} ({error.strerror}); SCORER must name a folder with {MODEL_FILE} and "
            f"{MANIFEST_FILE}, as `segwatch train` writes it"
        ) from None
    if len(data) > LARGEST_BYTES:
        raise RefusedModel(f"{file} is larger than {LARGEST_BYTES} bytes, no scorer is")
    return data


def _manifest(written: bytes, file: Path) -> ScorerManifest:
    try:
        return ScorerManifest.model_validate_json(written)
    except ValidationError as error:
        raise RefusedModel(f"{file} is not a scorer's manifest: {describe(error)}; {TRAIN_AGAIN}") from None


def _check_version(manifest: ScorerManifest, folder: Path) -> None:
    made = manifest.versions.get("scikit-learn", "unknown")
    if made.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise RefusedModel(
            f"the scorer in {folder} was made with scikit-learn {made}, here is {sklearn.__version__}; "
            f"{TRAIN_AGAIN}"
        )


def _try_out(model: Any, manifest: ScorerManifest, folder: Path) -> None:  # noqa: ANN401 - scikit-learn carries no types
    """Score the training mean: a model that does not fit its manifest shows it here, not in service."""
    mean = np.array([[feature.mean for feature in manifest.features]])
    try:
        tried = serve(model, manifest, mean)
    except Exception as error:  # noqa: BLE001 - a foreign model can fail in any way
        raise RefusedModel(
            f"the scorer in {folder} does not do what its manifest says "
            f"({type(error).__name__}: {str(error)[:200]}); {TRAIN_AGAIN}"
        ) from None
    if tried.bins.shape != (1, COUNT) or not np.isclose(tried.bins.sum(), 1.0):
        raise RefusedModel(f"the scorer in {folder} gives no probabilities for five bins; {TRAIN_AGAIN}")
