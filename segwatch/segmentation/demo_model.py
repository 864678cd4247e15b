"""Trains the demo model: a small nnU-Net on phantoms, by nnU-Net's own planner, preprocessor and trainer.

It exists so that the product can be run and tested without a hospital's weights. It knows phantoms only and
must never see a patient.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.files import whole_folder
from segwatch.phantoms.phantom import SHAPE, Phantom, make_phantom
from segwatch.phantoms.scanner import STANDARD
from segwatch.segmentation.bundle import write_manifest
from segwatch.volumes.nifti import write_nifti

NAME = "demo-lesion"
EPOCHS = 16
_DATASET = "Dataset001_Phantoms"
_CONFIGURATION = "3d_fullres"
_WORKERS = "nnUNet_n_proc_DA"
_FIRST_TRAINING_SEED = 1_000_000
"""Far from the seeds that the local run and the tests use, so that no phantom is met twice."""

Progress = Callable[[str, int, int], None]
"""Told the step's name, how much of it is done, and how much there is."""


def train_demo_model(
    out: Path, *, seed: int, phantoms: int, threads: int, progress: Progress, epochs: int = EPOCHS
) -> str:
    """Train on `phantoms` phantoms and write the bundle `out`; returns its digest.

    `out` appears complete or not at all, and nothing else is left behind, also after Ctrl-C.

    Raises:
        FileExistsError: `out` is there already.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="segwatch-demo-model-") as folder, _nnunet_in(Path(folder)):
        work = Path(folder)
        _write_dataset(work / "raw" / _DATASET, seed, phantoms, progress)
        with (work / "log.txt").open("w") as log, redirect_stdout(log):
            plans = _plan(work, progress)
            checkpoint = _train(work, plans, seed, threads, epochs, progress)
        with whole_folder(out) as hidden:
            return _write_bundle(hidden, checkpoint, plans, work, f"seed {seed}, {phantoms} phantoms")


@contextmanager
def _nnunet_in(folder: Path) -> Iterator[None]:
    """nnU-Net takes its folders and its number of processes from the environment."""
    wanted = {f"nnUNet_{kind}": str(folder / kind) for kind in ("raw", "preprocessed", "results")}
    wanted[_WORKERS] = "2"  # 0 crashes the planner
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def training_phantom(seed: int, number: int, shape: tuple[int, int, int] = SHAPE) -> Phantom:
    """The standard scanner with mild variety: any other profile is a shift that the model has not met."""
    rng = np.random.default_rng([seed, number])
    scanner = replace(
        STANDARD,
        noise_hu=STANDARD.noise_hu * float(rng.uniform(0.7, 1.4)),
        sharpness=float(rng.uniform(0.05, 0.25)),
    )
    return make_phantom(_FIRST_TRAINING_SEED + 1000 * seed + number, scanner, shape=shape)


def _write_dataset(folder: Path, seed: int, phantoms: int, progress: Progress) -> None:
    """nnU-Net's raw format."""
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    for number in range(phantoms):
        made = training_phantom(seed, number)
        write_nifti(folder / "imagesTr" / f"p{number:03d}_0000.nii.gz", made.ct, made.geometry)
        label = made.lesion.astype(np.uint8)
        write_nifti(folder / "labelsTr" / f"p{number:03d}.nii.gz", label, made.geometry)
        progress("phantoms", number + 1, phantoms)
    about = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": phantoms,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(about))


def _plan(work: Path, progress: Progress) -> dict[str, Any]:
    """nnU-Net's plan with a small network that sees the whole volume at once."""
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess_dataset,
    )

    progress("planning", 0, 3)
    extract_fingerprints([1], num_processes=2, show_progress_bar=False)
    progress("planning", 1, 3)
    identifier = plan_experiments([1])
    path = work / "preprocessed" / _DATASET / f"{identifier}.json"
    plans: dict[str, Any] = json.loads(path.read_text())
    plans["configurations"] = {
        _CONFIGURATION: small_configuration(plans["configurations"][_CONFIGURATION], SHAPE)
    }
    path.write_text(json.dumps(plans))
    progress("planning", 2, 3)
    preprocess_dataset(1, identifier, (_CONFIGURATION,), (2,), show_progress_bar=False)
    os.environ[_WORKERS] = "0"  # training: whole volumes, one process
    progress("planning", 3, 3)
    return plans


def small_configuration(configuration: Mapping[str, Any], patch: tuple[int, int, int]) -> dict[str, Any]:
    """nnU-Net's with four stages of 8 to 64 features and one convolution each, a whole volume as patch
    (z, y, x): seams between patches cost Dice."""
    network = dict(configuration["architecture"])
    network["arch_kwargs"] = dict(network["arch_kwargs"]) | {
        "n_stages": 4,
        "features_per_stage": [8, 16, 32, 64],
        "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]],
        "n_conv_per_stage": [1, 1, 1, 1],
        "n_conv_per_stage_decoder": [1, 1, 1],
    }
    return {**configuration, "batch_size": 1, "patch_size": list(patch), "architecture": network}


def _train(
    work: Path, plans: dict[str, Any], seed: int, threads: int, epochs: int, progress: Progress
) -> Path:
    import torch

    from segwatch.segmentation.demo_trainer import DemoTrainer

    torch.manual_seed(seed)
    np.random.seed(seed)  # nnU-Net's loader draws from numpy's global generator
    torch.set_num_threads(threads)
    dataset = json.loads((work / "preprocessed" / _DATASET / "dataset.json").read_text())
    trainer = DemoTrainer({**plans, "continue_training": False}, _CONFIGURATION, "all", dataset)
    trainer.num_epochs = epochs
    trainer.after_epoch = lambda: progress("training", trainer.current_epoch, epochs)
    progress("training", 0, epochs)
    trainer.run_training()
    return Path(trainer.output_folder) / "checkpoint_final.pth"


def _write_bundle(folder: Path, checkpoint: Path, plans: dict[str, Any], work: Path, about: str) -> str:
    import torch

    (folder / "fold_0").mkdir(parents=True)
    torch.save(_stripped(checkpoint), folder / "fold_0" / "checkpoint_final.pth")
    (folder / "plans.json").write_text(json.dumps(plans, indent=1, sort_keys=True) + "\n")
    shutil.copyfile(work / "preprocessed" / _DATASET / "dataset.json", folder / "dataset.json")
    made_with = {name: version(name) for name in ("nnunetv2", "numpy", "torch")}
    return write_manifest(folder, NAME, made_with, f"trained on phantoms only ({about}); for no patient")


def _stripped(checkpoint: Path) -> dict[str, Any]:
    """What prediction needs, in half precision; tensors that encoder and decoder share are kept once."""
    import torch

    # Our own file, written a moment ago; nnU-Net's checkpoints hold more than tensors.
    trained = torch.load(checkpoint, map_location="cpu", weights_only=False)
    halves: dict[int, torch.Tensor] = {}
    weights = {}
    for name, tensor in trained["network_weights"].items():
        weights[name] = halves.setdefault(tensor.data_ptr(), tensor.half())
    return {
        "network_weights": weights,
        "init_args": {"configuration": trained["init_args"]["configuration"]},
        "trainer_name": "nnUNetTrainer",  # its network is the plain trainer's: no code need travel along
        "inference_allowed_mirroring_axes": None,
    }
