"""nnU-Net's folders, made up: tiny phantoms, and masks that are more or less wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.nifti import write_nifti

SHAPE = (12, 48, 48)
LABELS = {"background": 0, "lesion": 1}


@dataclass(frozen=True)
class MadeUp:
    """Where everything lies."""

    raw: Path
    results: Path
    preprocessed: Path


def folders_in(
    root: Path, names: Sequence[str], folds: int = 2, labels: dict[str, object] = LABELS
) -> MadeUp:
    """Folders as nnU-Net has them, in which no file holds an image yet: see `fill`."""
    dataset, trainer = "Dataset007_MadeUp", "nnUNetTrainer__nnUNetPlans__3d_fullres"
    made = MadeUp(
        root / "nnUNet_raw" / dataset,
        root / "nnUNet_results" / dataset / trainer,
        root / "nnUNet_preprocessed" / dataset,
    )
    about = {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": len(names),
        "file_ending": ".nii.gz",
    }
    for folder in (made.raw / "imagesTr", made.raw / "labelsTr", made.results, made.preprocessed):
        folder.mkdir(parents=True)
    for folder in (made.raw, made.results):
        (folder / "dataset.json").write_text(json.dumps(about))
    for fold in range(folds):
        (made.results / f"fold_{fold}" / "validation").mkdir(parents=True)
    for number, name in enumerate(names):
        for path in paths_of(made, name, number % folds):
            path.touch()
    return made


def paths_of(made: MadeUp, name: str, fold: int) -> tuple[Path, Path, Path]:
    """A case's image, truth and predicted mask."""
    return (
        made.raw / "imagesTr" / f"{name}_0000.nii.gz",
        made.raw / "labelsTr" / f"{name}.nii.gz",
        made.results / f"fold_{fold}" / "validation" / f"{name}.nii.gz",
    )


def fill(made: MadeUp, names: Sequence[str], folds: int = 2) -> None:
    """Phantoms into the files; each third mask lies far beside its lesions."""
    for number, name in enumerate(names):
        phantom = make_phantom(number, shape=SHAPE, load=0.15)
        mask = np.roll(phantom.lesion, 6 if number % 3 == 0 else 1, axis=2)
        arrays = (phantom.ct, phantom.lesion.astype(np.uint8), mask.astype(np.uint8))
        for path, array in zip(paths_of(made, name, number % folds), arrays, strict=True):
            write_nifti(path, array, phantom.geometry)


def write_splits(made: MadeUp, names: Sequence[str], folds: int = 2) -> None:
    """splits_final.json where nnU-Net puts it, of the folds in which the masks lie."""
    validated = [list(names[fold::folds]) for fold in range(folds)]
    splits = [{"train": sorted(set(names) - set(val)), "val": val} for val in validated]
    (made.preprocessed / "splits_final.json").write_text(json.dumps(splits))
