"""Makes a bundle of what nnU-Net's training leaves."""

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from segwatch.errors import BadInput
from segwatch.files import whole_folder
from segwatch.segmentation.bundle import DATASET, NEEDED, PLANS, write_manifest
from segwatch.segmentation.plans import axes_of, lesion_labels
from segwatch.volumes.labels import LesionLabel

_CHECKPOINTS = "fold_*/checkpoint_final.pth"


def bundle_of(trained: Path, out: Path, name: str, label: LesionLabel | None = None, axes: str = "") -> str:
    """Copy a trained model's files into the bundle `out` and pin them; returns the bundle's digest.

    Args:
        trained: nnU-Net's folder of one trainer, plan and configuration, with plans.json, dataset.json and
            fold_*/checkpoint_final.pth. It is copied, not loaded: it must come from those who trained it.
        out: appears complete or not at all.
        name: the model's, as it is shown at the centre.
        label: which of its labels is lesion; needed where there are several.
        axes: how the files lay that it was trained on (`LPS`), where its reader takes each as it lies.

    Raises:
        BadInput: a file is missing, `out` exists, or the name is not one.
        RefusedModel: nobody said which label is lesion, or the axes that its reader shows are not known.
    """
    missing = [file for file in NEEDED if not (trained / file).is_file()]
    checkpoints = sorted(trained.glob(_CHECKPOINTS))
    if missing or not checkpoints:
        raise BadInput(f"{trained} has no {', '.join(missing) or _CHECKPOINTS}: is it nnU-Net's results?")
    if out.exists():
        raise BadInput(f"{out} exists already: choose another folder")
    label = label or LesionLabel()
    found = lesion_labels(trained / DATASET, label)
    axes_of(trained / PLANS, axes)
    with whole_folder(out) as hidden:
        for source in [*(trained / file for file in NEEDED), *checkpoints]:
            target = hidden / source.relative_to(trained)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return write_manifest(
            hidden,
            name,
            {"nnunetv2": _nnunet()},
            "copied from nnU-Net's results",
            found if label.said else (),
            axes,
        )


def _nnunet() -> str:
    try:
        return version("nnunetv2")
    except PackageNotFoundError:
        return "not installed where the bundle was made"
