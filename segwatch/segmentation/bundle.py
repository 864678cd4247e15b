"""Model bundles: a folder with nnU-Net's files and a manifest that pins each by its sha256.

```
plans.json  dataset.json  fold_0/checkpoint_final.pth …  manifest.json
opinion.npz  manifest.json
```
The second is a second opinion's: arrays, which run nothing.
A checkpoint is a pickle, so loading it runs what it says. It is loaded only after every file of the folder
has been found to have the hash that the manifest states, and the manifest the hash that the settings pin.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from segwatch.contracts.base import Digest, ModelIdentity, Name
from segwatch.contracts.envelope import describe
from segwatch.contracts.studies import Ensemble, Share
from segwatch.errors import RefusedModel
from segwatch.segmentation.plans import CANONICAL, axes_of, lesion_labels
from segwatch.volumes.labels import LesionLabel

MANIFEST = "manifest.json"
NEEDED = PLANS, DATASET = ("plans.json", "dataset.json")
OPINION_WEIGHTS = "opinion.npz"
_CHECKPOINT = re.compile(r"fold_(\d+|all)/checkpoint_final\.pth")


class LeftOutDice(BaseModel):
    """A second opinion's mean Dice with experts' masks of patients it never saw, and how many they are.

    `changed` is under each kind of change to the scan, by networks that did not learn from that kind; a
    figure is a mean over patients, and `plain_worst` the lowest patient's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    patients: int
    plain: Share
    plain_worst: Share
    changed: Mapping[str, Share]

    @property
    def changed_mean(self) -> float:
        """Over the kinds."""
        return sum(self.changed.values()) / len(self.changed)


class Manifest(BaseModel):
    """What a bundle's `manifest.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    name: Name
    made_with: Mapping[str, str]
    """Versions of what made it, for the record."""
    files: Mapping[str, Digest]
    """The sha256 of every file but the manifest, by its path in the bundle."""
    about: str = ""
    ensemble: Ensemble | None = None
    """What the members of several checkpoints differ in; `folds` where nothing is said."""
    temperature: Annotated[float, Field(gt=0)] | None = None
    """Logits are divided by it, so that probabilities are as often right as they say."""
    left_out: LeftOutDice | None = None
    """Of a second opinion."""
    lesion_labels: tuple[int, ...] | None = None
    """The labels of the network's that are lesion; unsaid: the only one that `dataset.json` names."""
    axes: str | None = None
    """Where x, y and z ran to in training (`LPS`), where the reader of `plans.json` leaves that open."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files have been found to be what its manifest says."""

    folder: Path
    identity: ModelIdentity
    folds: tuple[str, ...]
    ensemble: Ensemble | None = None
    temperature: float = 1.0
    lesion_labels: frozenset[int] = frozenset({1})
    axes: str = CANONICAL


@dataclass(frozen=True, slots=True)
class OpinionBundle:
    """A second opinion's bundle, verified, and what it is worth on patients that it never saw."""

    folder: Path
    identity: ModelIdentity
    left_out: LeftOutDice | None


def open_bundle(folder: Path, pinned: str | None = None) -> Bundle:
    """Verify a bundle, before anything in it is loaded.

    The bundle's digest, which is the model's identity, is the sha256 of `manifest.json`: it stands for
    every file, since the manifest holds their hashes.

    Args:
        folder: the bundle.
        pinned: the digest that the settings ask for, or None for whatever the manifest has.

    Raises:
        RefusedModel: naming the file that is missing, was changed or is not in the manifest; or what the
            network's axes or labels are is not known.
    """
    manifest, identity = _verified(folder, pinned, "LESION_MODEL")
    folds = sorted(match[1] for name in manifest.files if (match := _CHECKPOINT.fullmatch(name)))
    missing = [name for name in NEEDED if name not in manifest.files]
    if missing or not folds:
        raise RefusedModel(
            f"the bundle {folder} has no {', '.join(missing) or 'fold_*/checkpoint_final.pth'}"
        )
    asked = LesionLabel(",".join(map(str, manifest.lesion_labels or ())))
    return Bundle(
        folder,
        identity,
        tuple(folds),
        (manifest.ensemble or "folds") if len(folds) > 1 else None,
        manifest.temperature or 1.0,
        lesion_labels(folder / DATASET, asked),
        axes_of(folder / PLANS, manifest.axes or ""),
    )


def open_opinion(folder: Path, pinned: str | None = None) -> OpinionBundle | Bundle:
    """Verify the bundle of a second opinion: one of ours, or an nnU-Net's.

    Raises:
        RefusedModel: as `open_bundle`.
    """
    manifest, identity = _verified(folder, pinned, "OPINION_MODEL")
    if OPINION_WEIGHTS not in manifest.files:
        return open_bundle(folder)
    return OpinionBundle(folder, identity, manifest.left_out)


def _verified(folder: Path, pinned: str | None, setting: str) -> tuple[Manifest, ModelIdentity]:
    """A bundle's manifest, and who it is, once every file was found to be what it says."""
    manifest, digest = _read_manifest(folder, setting)
    if pinned is not None and digest != pinned:
        raise RefusedModel(
            f"{setting}_SHA256 asks for {pinned}, but the bundle {folder} has {digest}:"
            " give the right bundle, or the digest of the one that is wanted"
        )
    _verify_files(folder, manifest)
    return manifest, ModelIdentity(name=manifest.name, sha256=digest)


def write_manifest(
    folder: Path,
    name: str,
    made_with: Mapping[str, str],
    about: str = "",
    *,
    ensemble: Ensemble | None = None,
    temperature: float | None = None,
    left_out: LeftOutDice | None = None,
    labels: Iterable[int] = (),
    axes: str = "",
) -> str:
    """Pin all files of a folder in its `manifest.json`; returns the bundle's digest."""
    names = sorted(_names(folder) - {MANIFEST})
    manifest = Manifest(
        format=1,
        name=name,
        made_with=dict(made_with),
        files={path: sha256_of(folder / path) for path in names},
        about=about,
        ensemble=ensemble,
        temperature=temperature,
        left_out=left_out,
        lesion_labels=tuple(sorted(labels)) or None,
        axes=axes or None,
    )
    # What is not said is not written: a bundle that says no more than before has the digest that it had.
    said = manifest.model_dump(mode="json", exclude_none=True)
    (folder / MANIFEST).write_text(json.dumps(said, indent=2, sort_keys=True) + "\n")
    return sha256_of(folder / MANIFEST)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(folder: Path, setting: str) -> tuple[Manifest, str]:
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        manifest = Manifest.model_validate_json(data)
    except OSError as error:
        raise RefusedModel(
            f"{setting}: {path} cannot be read ({type(error).__name__}); a bundle is a folder with"
            " manifest.json, as `segwatch bundle` or `segwatch demo-model` writes it"
        ) from None
    except ValidationError as error:
        raise RefusedModel(f"{setting}: {path} is no bundle's manifest: {describe(error)}") from None
    if manifest.format != 1:
        raise RefusedModel(f"{path} has format {manifest.format}; this version reads format 1")
    return manifest, hashlib.sha256(data).hexdigest()


def _verify_files(folder: Path, manifest: Manifest) -> None:
    there = _names(folder) - {MANIFEST}
    if strangers := there - set(manifest.files):
        raise RefusedModel(f"the bundle {folder} holds {min(strangers)}, which its manifest does not name")
    if missing := set(manifest.files) - there:
        raise RefusedModel(f"the bundle {folder} lacks {min(missing)}, which its manifest names")
    for name, expected in manifest.files.items():
        if sha256_of(folder / name) != expected:
            raise RefusedModel(f"{folder / name} was changed: its sha256 is not what the manifest states")


def _names(folder: Path) -> set[str]:
    """Paths of the bundle's files and of those in its folders; links are followed.

    Kubernetes mounts volumes as links into a folder whose name starts with two dots, which is left out.
    """
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    names = {path.relative_to(folder).as_posix() for path in paths if path.is_file()}
    return {name for name in names if not name.startswith("..")}
