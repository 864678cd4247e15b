"""A bundle's files, read and held against their hash; nothing in them is loaded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.envelope import describe
from segwatch.errors import RefusedModel
from segwatch.scoring.manifest import BURDEN_FILE, MANIFEST_FILE, MODEL_FILE, ScorerManifest

LARGEST_BYTES = 64 * 1024**2
TRAIN_AGAIN = "train it again with `segwatch train`"


@dataclass(frozen=True)
class BundleFiles:
    """What a bundle says, and its models as bytes. Its identity is the hash of its manifest.

    `burden` is the model of the second target, None where the manifest names none.
    """

    manifest: ScorerManifest
    model: bytes
    identity: ModelIdentity
    burden: bytes | None = None


def read_files(folder: Path) -> BundleFiles:
    """The files of a bundle, of which the model has the hash that the manifest names.

    Raises:
        RefusedModel: a file is missing, too large, changed or no manifest; names the file.
    """
    written = _read(folder / MANIFEST_FILE)
    manifest = _manifest(written, folder / MANIFEST_FILE)
    model = _pinned(folder / MODEL_FILE, manifest.model_sha256)
    second = manifest.burden
    burden = None if second is None else _pinned(folder / BURDEN_FILE, second.model_sha256)
    return BundleFiles(manifest, model, identity_of(manifest.name, written), burden)


def identity_of(name: str, manifest: bytes) -> ModelIdentity:
    """Who a scorer is: another threshold or calibration makes another scorer."""
    return ModelIdentity(name=name, sha256=hashlib.sha256(manifest).hexdigest())


def _pinned(file: Path, sha256: str) -> bytes:
    data = _read(file)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise RefusedModel(
            f"{file} is not the file that its manifest names: its sha256 is {found}, "
            f"the manifest says {sha256}; take the bundle from its source again"
        )
    return data


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
