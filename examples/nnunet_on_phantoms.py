"""Make a real nnU-Net dataset and train it, by nnU-Net's own commands: what `segwatch onboard` starts from.

    python examples/nnunet_on_phantoms.py --out FOLDER [--patients 32] [--folds 2]

Chest phantoms in HU, of the standard scanner, go into nnUNet_raw; `nnUNetv2_plan_and_preprocess` plans them;
the plan is cut down to a network that a CPU trains in minutes; `nnUNetv2_train` trains and validates each
fold. A second start goes on with the folds that are missing. Needs the extra `segmentation`, and minutes of
two cores. It prints the command that comes next.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import segwatch
from segwatch.segmentation.demo_model import small_configuration, training_phantom
from segwatch.volumes.nifti import write_nifti

DATASET, PLANS, CONFIGURATION, TRAINER = "Dataset001_Phantoms", "nnUNetPlans", "3d_fullres", "PhantomTrainer"
SEED = 12
SHAPE = (24, 80, 80)
"""Of the phantoms (z, y, x), and of what the network sees at once."""


def environment(out: Path) -> dict[str, str]:
    """Where nnU-Net finds its folders and the trainer, and how many processes it may start."""
    folders = {f"nnUNet_{name}": str(out / f"nnUNet_{name}") for name in ("raw", "preprocessed", "results")}
    trainer = {"nnUNet_extTrainer": str(Path(__file__).parent.resolve() / "nnunet_trainer")}
    return {**os.environ, **folders, **trainer, "nnUNet_def_n_proc": "2"}


def write_raw(folder: Path, patients: int) -> list[str]:
    """nnU-Net's raw dataset; the names of its cases."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = [f"patient{number:03d}" for number in range(patients)]
    for number, name in enumerate(names):
        phantom: segwatch.Phantom = training_phantom(SEED, number, SHAPE)
        write_nifti(folder / "imagesTr" / f"{name}_0000.nii.gz", phantom.ct, phantom.geometry)
        write_nifti(folder / "labelsTr" / f"{name}.nii.gz", phantom.lesion.astype(np.uint8), phantom.geometry)
    about = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": patients,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(about))
    return names


def split(names: list[str], folds: int) -> list[dict[str, list[str]]]:
    """What nnU-Net's splits_final.json holds."""
    validated = [names[fold::folds] for fold in range(folds)]
    return [{"train": sorted(set(names) - set(val)), "val": val} for val in validated]


def cut_down(plans: Path) -> None:
    """The plan with a small network on the whole volume."""
    planned: dict[str, Any] = json.loads(plans.read_text())
    planned["configurations"] = {
        CONFIGURATION: small_configuration(planned["configurations"][CONFIGURATION], SHAPE)
    }
    plans.write_text(json.dumps(planned))


def run(command: str, env: dict[str, str], log: Path) -> None:
    """One of nnU-Net's commands, its words in a file.

    Raises:
        SystemExit: it failed.
    """
    name, *arguments = command.split()
    print(command, flush=True)
    with log.open("a") as file:
        done = subprocess.run(
            [str(Path(sys.executable).parent / name), *arguments], env=env, stdout=file, stderr=file
        )
    if done.returncode:
        sys.exit(f"{name} failed: see {log}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=32)
    parser.add_argument("--folds", type=int, default=2)
    asked = parser.parse_args()
    out = asked.out.resolve()
    env, log = environment(out), out / "nnunet.log"
    raw, preprocessed = out / "nnUNet_raw" / DATASET, out / "nnUNet_preprocessed" / DATASET
    results = out / "nnUNet_results" / DATASET / f"{TRAINER}__{PLANS}__{CONFIGURATION}"
    if not (preprocessed / "splits_final.json").is_file():
        names = write_raw(raw, asked.patients)
        planning = {**env, "nnUNet_n_proc_DA": "2"}  # 0 crashes the planner
        run(
            f"nnUNetv2_plan_and_preprocess -d 1 -c {CONFIGURATION} -npfp 2 -np 2 --verify_dataset_integrity",
            planning,
            log,
        )
        cut_down(preprocessed / f"{PLANS}.json")
        (preprocessed / "splits_final.json").write_text(json.dumps(split(names, asked.folds)))
    for fold in range(asked.folds):
        if not (results / f"fold_{fold}" / "validation" / "summary.json").is_file():
            training = {**env, "nnUNet_n_proc_DA": "0"}  # whole volumes: no process need load them ahead
            run(
                f"nnUNetv2_train 1 {CONFIGURATION} {fold} -tr {TRAINER} -p {PLANS} -device cpu", training, log
            )
    print(f"export nnUNet_extTrainer={env['nnUNet_extTrainer']}")
    print(f"segwatch onboard --results {results} --raw {raw} --out {out / 'scorer'}")


if __name__ == "__main__":
    main()
