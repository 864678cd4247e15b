"""Makes a bundle of what nnU-Net's training leaves."""

import shutil
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast, get_args

from segwatch.contracts.studies import Ensemble
from segwatch.errors import BadInput, RefusedModel
from segwatch.files import whole_folder
from segwatch.progress import progress
from segwatch.segmentation.bundle import DATASET, NEEDED, PLANS, open_bundle, write_manifest
from segwatch.segmentation.plans import (
    axes_of,
    cascade,
    check_one_channel,
    lesion_labels,
    stage_before,
)
from segwatch.segmentation.temperature import calibration_cases, temperature_of_cases
from segwatch.volumes.labels import LesionLabel

_CHECKPOINTS = "fold_*/checkpoint_final.pth"


def bundle_of(
    trained: Path,
    out: Path,
    name: str,
    *,
    label: LesionLabel | None = None,
    axes: str = "",
    ensemble: Ensemble | None = None,
    calibrate: Path | None = None,
) -> str:
    """Copy a trained model's files into the bundle `out` and pin them; returns the bundle's digest.

    Args:
        trained: nnU-Net's folder of one trainer, plan and configuration, with plans.json, dataset.json and
            fold_*/checkpoint_final.pth. It is copied, not loaded (unless it is calibrated): it must come from
            those who trained it.
        out: appears complete or not at all.
        name: the model's, as it is shown at the centre.
        label: which of its labels is lesion; needed where there are several.
        axes: how the files lay that it was trained on (`LPS`), where its reader takes each as it lies.
        ensemble: what several checkpoints differ in; nnU-Net's folds where not given.
        calibrate: a folder of cases that the model has not seen, to which its temperature is fitted.

    Raises:
        BadInput: a file is missing, `out` exists, the name is not one, or the cases are no cases.
        RefusedModel: nobody said which label is lesion, the axes that its reader shows are not known, or it
            needs more than a CT; or it is to be calibrated and cannot be loaded.
    """
    missing = [file for file in NEEDED if not (trained / file).is_file()]
    checkpoints = sorted(trained.glob(_CHECKPOINTS))
    if missing or not checkpoints:
        raise BadInput(f"{trained} has no {', '.join(missing) or _CHECKPOINTS}: is it nnU-Net's results?")
    if out.exists():
        raise BadInput(f"{out} exists already: choose another folder")
    if ensemble is not None and len(checkpoints) < 2:
        raise BadInput(f"--ensemble {ensemble}: {trained} has one checkpoint, which is no ensemble")
    if calibrate is not None:
        calibration_cases(calibrate)  # what is wrong with them is said before anything is copied
    several: Ensemble | None = (ensemble or "folds") if len(checkpoints) > 1 else None
    label = label or LesionLabel()
    found = lesion_labels(trained / DATASET, label)
    check_one_channel(trained / DATASET)
    axes_of(trained / PLANS, axes)
    before = stage_before(trained / PLANS, trained.resolve().name.rpartition("__")[2])
    if before:
        raise RefusedModel(f"{trained} {cascade(before)}")
    with whole_folder(out) as hidden:
        for source in [*(trained / file for file in NEEDED), *checkpoints]:
            target = hidden / source.relative_to(trained)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        about = {"nnunetv2": _nnunet()}, "copied from nnU-Net's results"
        write = partial(
            write_manifest,
            hidden,
            name,
            *about,
            ensemble=several,
            labels=found if label.said else (),
            axes=axes,
        )
        digest = write()
        return (
            digest if calibrate is None else write(temperature=_temperature(hidden, digest, calibrate, label))
        )


def asked_ensemble(text: str) -> Ensemble | None:
    """What an ensemble's members differ in, as `--ensemble` says it.

    Raises:
        BadInput: there is no such kind.
    """
    if text and text not in get_args(Ensemble):
        raise BadInput(f"--ensemble {text}: it is none of {', '.join(get_args(Ensemble))}")
    return cast("Ensemble", text) if text else None


def _temperature(bundle: Path, digest: str, cases: Path, label: LesionLabel) -> float:
    from segwatch.segmentation.lesion import LesionModel

    model = LesionModel(open_bundle(bundle, digest))
    with progress("predicted", len(calibration_cases(cases))) as done:
        return temperature_of_cases(cases, model.foreground, done, label)


def _nnunet() -> str:
    try:
        return version("nnunetv2")
    except PackageNotFoundError:
        return "not installed where the bundle was made"
