"""Makes a bundle of what nnU-Net's training leaves."""

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from segwatch.errors import BadInput
from segwatch.files import whole_folder
from segwatch.segmentation.bundle import NEEDED, write_manifest

_CHECKPOINTS = "fold_*/checkpoint_final.pth"


def bundle_of(trained: Path, out: Path, name: str) -> str:
    """Copy a trained model's files into the bundle `out` and pin them; returns the bundle's digest.

    Args:
        trained: nnU-Net's folder of one trainer, plan and configuration, with plans.json, dataset.json and
            fold_*/checkpoint_final.pth. It is copied, not loaded: it must come from those who trained it.
        out: appears complete or not at all.
        name: the model's, as it is shown at the centre.

    Raises:
        BadInput: a file is missing, `out` exists, or the name is not one.
    """
    missing = [file for file in NEEDED if not (trained / file).is_file()]
    checkpoints = sorted(trained.glob(_CHECKPOINTS))
    if missing or not checkpoints:
        raise BadInput(f"{trained} has no {', '.join(missing) or _CHECKPOINTS}: is it nnU-Net's results?")
    if out.exists():
        raise BadInput(f"{out} exists already: choose another folder")
    with whole_folder(out) as hidden:
        for source in [*(trained / file for file in NEEDED), *checkpoints]:
            target = hidden / source.relative_to(trained)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return write_manifest(hidden, name, {"nnunetv2": _nnunet()}, "copied from nnU-Net's results")


def _nnunet() -> str:
    try:
        return version("nnunetv2")
    except PackageNotFoundError:
        return "not installed where the bundle was made"
