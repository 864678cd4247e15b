"""What lies in nnU-Net's folders: cases, their truths, and the masks of networks that have not seen them.

```
RAW/dataset.json  imagesTr/CASE_0000.nii.gz  labelsTr/CASE.nii.gz
RESULTS/dataset.json  plans.json  fold_K/checkpoint_final.pth  fold_K/validation/CASE.nii.gz
splits_final.json       in nnUNet_preprocessed/DATASET, which may be gone
```
Source: nnU-Net v2's documentation, and its trainer (`do_split`, `perform_actual_validation`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segwatch.errors import BadInput
from segwatch.onboarding.dataset_json import NAME, DatasetJson, check_alike, read_dataset_json, read_json

SPLITS = "splits_final.json"
CHECKPOINT = "checkpoint_final.pth"
Split = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class ValidatedCase:
    """A case and the fold that has not seen it.

    Attributes:
        fold: its number, empty where masks are given in a folder.
        predicted: that fold's mask; None where only its checkpoint is there.
    """

    name: str
    fold: str
    ct: Path
    truth: Path
    predicted: Path | None

    @property
    def title(self) -> str:
        """The case's name, and the fold's where there is one."""
        return f"{self.name}-fold{self.fold}" if self.fold else self.name


@dataclass(frozen=True)
class NnunetFolders:
    """The folders that were named, read.

    Attributes:
        about: the raw data's dataset.json.
        results: the trainer's folder, None where masks are given.
        checkpoints: folds whose network is there.
        cases: by fold and name.
        trained_on: for each fold the cases that it learnt from, as far as that is known.
        without_mask: cases of the raw data that no fold has validated.
    """

    about: DatasetJson
    results: Path | None
    checkpoints: tuple[str, ...]
    cases: tuple[ValidatedCase, ...]
    trained_on: Mapping[str, frozenset[str]]
    without_mask: tuple[str, ...]


def read_folders(
    raw: Path, results: Path | None, predictions: Path | None, splits: Path | None
) -> NnunetFolders:
    """The cases that can be judged.

    Args:
        raw: nnUNet_raw/DATASET. results: nnUNet_results/DATASET/TRAINER__PLANS__CONFIGURATION.
        predictions: a folder with CASE.nii.gz, each by a network that has not seen the case; in place of
            what folds have validated. splits: splits_final.json, where it is not where nnU-Net puts it.

    Raises:
        BadInput: a file is missing, or the folders do not belong together; names the file.
    """
    for path in (raw, results, predictions):
        if path is not None and not path.is_dir():
            raise BadInput(f"there is no folder {path}")
    about = read_dataset_json(raw / NAME)
    if results is not None:
        check_alike(read_dataset_json(results / NAME), about)
    files = _files(about, raw)
    if predictions is not None:
        folds = {"": dict.fromkeys(_masks(predictions, about.ending, files))}
        cases = [_case(name, "", files, predictions, about.ending) for name in folds[""]]
        return _folders(about, results, (), cases, {}, files)
    if results is None:
        raise BadInput("--results or --predictions is needed: the masks that are to be judged")
    return _validated(about, results, files, _splits(results, raw, splits))


def _validated(
    about: DatasetJson, results: Path, files: Mapping[str, tuple[Path, Path]], splits: Sequence[Split] | None
) -> NnunetFolders:
    folders = {path.name.removeprefix("fold_"): path for path in sorted(results.glob("fold_*"))}
    folders.pop("all", None)  # it has seen every case, so its masks say nothing
    if not folders:
        raise BadInput(
            f"{results} has no fold_0 and so on (fold_all has seen every case): train folds, or give masks "
            "of networks that have not seen their cases with --predictions"
        )
    checkpoints = tuple(fold for fold, path in folders.items() if (path / CHECKPOINT).is_file())
    cases, validated = [], {}
    for fold, folder in folders.items():
        there = _masks(folder / "validation", about.ending, files)
        split = _of_fold(splits, fold)
        if split is not None:
            _check_unseen(there, split, folder)
        wanted = list(split["val"]) if split is not None else there
        validated[fold] = frozenset(wanted)
        cases += [
            _case(name, fold, files, folder / "validation", about.ending, absent_is_right=fold in checkpoints)
            for name in wanted
        ]
        if split is None and not there and fold in checkpoints:
            raise BadInput(
                f"{folder} has a checkpoint and no validation masks, and which cases it has not seen stands "
                f"in {SPLITS}, which is not there: name it with --splits (it is in nnUNet_preprocessed)"
            )
    trained = {fold: _trained_on(fold, splits, validated) for fold in folders}
    return _folders(about, results, checkpoints, cases, trained, files)


def _folders(
    about: DatasetJson,
    results: Path | None,
    checkpoints: tuple[str, ...],
    cases: list[ValidatedCase],
    trained: Mapping[str, frozenset[str]],
    files: Mapping[str, tuple[Path, Path]],
) -> NnunetFolders:
    if not cases:
        raise BadInput(
            f"no mask of a case of {about.path.parent} was found: fold_0/validation holds CASE{about.ending}"
        )
    named = {case.name for case in cases}
    without = tuple(name for name in files if name not in named)
    return NnunetFolders(about, results, checkpoints, tuple(cases), trained, without)


def _files(about: DatasetJson, raw: Path) -> dict[str, tuple[Path, Path]]:
    """Of each case its image and truth."""
    if about.listed:
        return dict(sorted(about.listed.items()))
    ending = f"_0000{about.ending}"
    images = sorted(path for path in (raw / "imagesTr").glob(f"*{ending}") if not path.name.startswith("."))
    if not images:
        raise BadInput(f"{raw / 'imagesTr'} holds no CASE{ending}: give nnU-Net's raw dataset as --raw")
    names = [path.name.removesuffix(ending) for path in images]
    return {
        name: (image, raw / "labelsTr" / f"{name}{about.ending}")
        for name, image in zip(names, images, strict=True)
    }


def _masks(folder: Path, ending: str, files: Mapping[str, tuple[Path, Path]]) -> list[str]:
    """The cases whose masks lie in a folder.

    Raises:
        BadInput: one is of no case of the raw data.
    """
    found = sorted(path for path in folder.glob(f"*{ending}") if not path.name.startswith("."))
    names = [path.name.removesuffix(ending) for path in found]
    if strange := [path for path, name in zip(found, names, strict=True) if name not in files]:
        raise BadInput(
            f"{strange[0]} is a mask of a case that the raw data do not have ({len(strange)} such): results "
            "and raw data are not of one dataset"
        )
    return names


def _case(
    name: str,
    fold: str,
    files: Mapping[str, tuple[Path, Path]],
    folder: Path,
    ending: str,
    *,
    absent_is_right: bool = False,
) -> ValidatedCase:
    if name not in files:
        raise BadInput(f"{SPLITS} names the case {name} in fold {fold}, which the raw data do not have")
    (ct, truth), mask = files[name], folder / f"{name}{ending}"
    needed = {"image": ct, "truth": truth} | ({} if absent_is_right else {"predicted mask": mask})
    for what, path in needed.items():
        if not path.is_file():
            raise BadInput(f"the case {name} has no {what}: there is no {path}")
    return ValidatedCase(name, fold, ct, truth, mask if mask.is_file() else None)


def _splits(results: Path, raw: Path, named: Path | None) -> list[Split] | None:
    """Which cases each fold was trained and validated on; None where nobody says."""
    dataset = results.resolve().parent.name
    roots = [results.resolve().parents[2] / "nnUNet_preprocessed", os.environ.get("nnUNet_preprocessed")]  # noqa: SIM112 - nnU-Net's name
    usual = [results / SPLITS, raw / SPLITS, *(Path(root) / dataset / SPLITS for root in roots if root)]
    path = named or next((path for path in usual if path.is_file()), None)
    if path is None:
        return None
    splits = read_json(path)
    right = isinstance(splits, list) and all(
        isinstance(split, dict)
        and isinstance(split.get("train"), list)
        and isinstance(split.get("val"), list)
        for split in splits
    )
    if not right:
        raise BadInput(f"{path} is no {SPLITS} of nnU-Net's: a list with train and val for each fold")
    return list(splits)


def _of_fold(splits: Sequence[Split] | None, fold: str) -> Split | None:
    """A fold beyond those that the file has was split at random by nnU-Net."""
    return splits[int(fold)] if splits is not None and fold.isdigit() and int(fold) < len(splits) else None


def _check_unseen(masks: Sequence[str], split: Split, folder: Path) -> None:
    if seen := sorted(set(masks) & set(split["train"])):
        raise BadInput(
            f"{folder / 'validation' / seen[0]} is the mask of a case that this fold was trained on by "
            f"{SPLITS} ({len(seen)} such): the masks are of another split; remove them, or name the right "
            "file with --splits"
        )


def _trained_on(
    fold: str, splits: Sequence[Split] | None, validated: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """By the splits; without them a cross-validation's fold has learnt from what the others validate."""
    split = _of_fold(splits, fold)
    if split is not None:
        return frozenset(split["train"])
    return (
        frozenset(name for other, names in validated.items() if other != fold for name in names)
        - validated[fold]
    )
