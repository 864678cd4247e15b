"""A scorer as a folder: model.skops, manifest.json, MODEL_CARD.md. Data, never code; checked before use.

A scorer with a second target, the error of the lesion's share of the lung, has burden.skops too.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

from segwatch.contracts.base import ModelIdentity
from segwatch.errors import RefusedModel
from segwatch.files import write_whole
from segwatch.scoring.bins import COUNT
from segwatch.scoring.bundle_files import TRAIN_AGAIN, identity_of, read_files
from segwatch.scoring.burden import share_error
from segwatch.scoring.forms import Form
from segwatch.scoring.manifest import (
    BURDEN_FILE,
    CARD_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    WITHOUT_OPINION,
    ScorerManifest,
)
from segwatch.scoring.predict import serve
from segwatch.scoring.skops_file import read


@dataclass(frozen=True)
class Scorer:
    """A scorer, ready to use.

    Attributes:
        model: predicts from the columns that the manifest names.
        manifest: the features it needs, calibration, threshold, interval, limits.
        identity: its name and the hash of its manifest, which holds the model's hash.
        burden: predicts the second target from the same columns; None where the manifest names none.
        without_opinion: scores studies that have no second opinion, where this one reads one.
    """

    model: Pipeline | Form
    manifest: ScorerManifest
    identity: ModelIdentity
    burden: Pipeline | Form | None = None
    without_opinion: "Scorer | None" = None


def load(folder: Path) -> Scorer:
    """The scorer in a bundle folder.

    Raises:
        RefusedModel: a file is missing, changed, made otherwise or by another version; names the file.
    """
    files = read_files(folder)
    _check_version(files.manifest, folder)
    model = _model(folder / MODEL_FILE, files.model)
    burden = None if files.burden is None else _model(folder / BURDEN_FILE, files.burden)
    _try_out(model, burden, files.manifest, folder)
    return Scorer(model, files.manifest, files.identity, burden, _without_opinion(folder, files.manifest))


def _without_opinion(folder: Path, manifest: ScorerManifest) -> Scorer | None:
    """The scorer that the manifest pins for studies without a second opinion."""
    if manifest.without_opinion_sha256 is None:
        return None
    scorer = load(folder / WITHOUT_OPINION)
    if scorer.identity.sha256 != manifest.without_opinion_sha256:
        raise RefusedModel(
            f"{folder / WITHOUT_OPINION} is not the scorer that {folder / MANIFEST_FILE} names: its sha256 "
            f"is {scorer.identity.sha256}; take the bundle from its source again"
        )
    if scorer.manifest.reads_opinion or scorer.manifest.measured != manifest.measured:
        raise RefusedModel(
            f"{folder / WITHOUT_OPINION} reads a second opinion itself, or other measures; {TRAIN_AGAIN}"
        )
    return scorer


def save(
    folder: Path,
    model: bytes,
    manifest: ScorerManifest,
    card: str,
    burden: bytes | None = None,
    *,
    without_opinion: Path | None = None,
) -> ModelIdentity:
    """Write a bundle, the manifest last: a bundle that was only half written is refused by `load`.

    Args:
        folder: made where it is not there; the files of a bundle in it are replaced.
        model, manifest: the `skops` and `manifest` of what `train` returned.
        card: the model card for people, in Markdown.
        burden: the model of the second target; without it the bundle is written without that target.
        without_opinion: the bundle of the scorer that the manifest pins for studies without second opinion,
            where it pins one; it is copied into this one unless it lies there.

    Returns:
        The scorer's name and the sha256 of its manifest.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inner = folder / WITHOUT_OPINION
    if without_opinion is not None and without_opinion.resolve() != inner.resolve():
        shutil.copytree(without_opinion, inner, dirs_exist_ok=True)
    if burden is None:
        manifest = manifest.model_copy(update={"burden": None})
    written = (manifest.model_dump_json(indent=2) + "\n").encode()
    files = {MODEL_FILE: model, CARD_FILE: card.encode(), BURDEN_FILE: burden, MANIFEST_FILE: written}
    for name, data in files.items():
        if data is not None:
            write_whole(folder / name, data)
    if burden is None:
        (folder / BURDEN_FILE).unlink(missing_ok=True)  # that of the bundle that is replaced
    return identity_of(manifest.name, written)


def _model(file: Path, data: bytes) -> Pipeline | Form:
    try:
        return read(data)
    except RefusedModel as error:
        raise RefusedModel(f"{file} is refused: {error}") from None


def _check_version(manifest: ScorerManifest, folder: Path) -> None:
    made = manifest.versions.get("scikit-learn", "unknown")
    if made.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise RefusedModel(
            f"the scorer in {folder} was made with scikit-learn {made}, here is {sklearn.__version__}; "
            f"{TRAIN_AGAIN}"
        )


def _try_out(model: Any, burden: Any, manifest: ScorerManifest, folder: Path) -> None:  # noqa: ANN401 - scikit-learn carries no types
    """Score the training mean: a model that does not fit its manifest shows it here, not in service."""
    mean = np.array([[feature.mean for feature in manifest.features]])
    try:
        tried = serve(model, manifest, mean)
        if burden is not None:
            share_error(burden, manifest, mean)
    except Exception as error:  # noqa: BLE001 - a foreign model can fail in any way
        raise RefusedModel(
            f"the scorer in {folder} does not do what its manifest says "
            f"({type(error).__name__}: {str(error)[:200]}); {TRAIN_AGAIN}"
        ) from None
    if tried.bins.shape != (1, COUNT) or not np.isclose(tried.bins.sum(), 1.0):
        raise RefusedModel(f"the scorer in {folder} gives no probabilities for five bins; {TRAIN_AGAIN}")
