"""What `segwatch onboard` was asked for, looked at before anything is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from segwatch.cohorts.lungs import asked_lungs
from segwatch.cohorts.measuring import asked_unit
from segwatch.errors import BadInput
from segwatch.features.registry import MEASURED
from segwatch.onboarding.budget import seconds_in
from segwatch.onboarding.dataset_json import read_json
from segwatch.onboarding.making import Making, lung_file
from segwatch.onboarding.nnunet_layout import CHECKPOINT, NnunetFolders, ValidatedCase, read_folders
from segwatch.onboarding.opened_case import check_case
from segwatch.onboarding.patients import patients_of
from segwatch.segmentation.bundle import PLANS, sha256_of
from segwatch.segmentation.plans import stage_before
from segwatch.volumes.grid import Shape


@dataclass(frozen=True)
class Asked:
    """The command line's options, as they were given."""

    raw: Path
    results: Path | None
    predictions: Path | None
    splits: Path | None
    out: Path
    name: str
    labels: tuple[str, ...]
    patient_pattern: str | None
    patients: Path | None
    budget: str
    rounds: int
    lung: str
    lung_weights: Path | None
    lung_weights_sha256: str | None
    ct_unit: str
    device: str
    mirroring: bool
    workers: int
    seed: int


@dataclass(frozen=True)
class Checked:
    """What was found good.

    Attributes:
        folders: nnU-Net's. making: what every process needs to know.
        voxels: of each case's scan, by title.
        seen: titles of cases whose fold has learnt from another scan of the patient.
        budget: in seconds.
    """

    folders: NnunetFolders
    making: Making
    voxels: Mapping[str, int]
    seen: tuple[str, ...]
    budget: float

    @property
    def with_network(self) -> frozenset[str]:
        """Titles of cases whose fold's network is there."""
        return frozenset(case.title for case in self.folders.cases if case.fold in self.making.checkpoints)


def checked(asked: Asked) -> Checked:
    """All that can be seen to be right or wrong without opening an image.

    Raises:
        BadInput: something is not what it must be; names the file or option, and says what to do.
    """
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        raise BadInput(f"{asked.out} exists already: choose another --out, or remove it")
    budget, unit = seconds_in(asked.budget), asked_unit(asked.ct_unit)
    lungs = asked_lungs(asked.lung, asked.lung_weights, asked.lung_weights_sha256)
    if lungs.given and not Path(lungs.given).is_dir():
        raise BadInput(f"--lung {lungs.given}: here it is own, lungmask, or a folder with CASE.nii.gz")
    folders = read_folders(asked.raw, asked.results, asked.predictions, asked.splits)
    labels = folders.about.lesion_values(asked.labels)
    patients = patients_of(
        sorted({case.name for case in folders.cases}), asked.patient_pattern, asked.patients
    )
    checkpoints = _checkpoints(folders)
    making = Making(
        cases={case.title: case for case in folders.cases},
        patients=patients,
        labels=labels,
        results=folders.results,
        checkpoints=checkpoints,
        reader=str(_plans(folders.results).get("image_reader_writer", "")),
        unit=unit,
        lungs=lungs,
        features=MEASURED,
        device=_device(asked.device) if checkpoints else "cpu",
        mirroring=asked.mirroring,
    )
    shapes = {case.title: check_case(case).shape_zyx for case in folders.cases}
    _check_lungs(making)
    return Checked(
        folders,
        making,
        {title: _voxels(shape) for title, shape in shapes.items()},
        _seen(folders, patients),
        budget,
    )


def _checkpoints(folders: NnunetFolders) -> dict[str, str]:
    if folders.results is None or not folders.checkpoints:
        return {}
    if not find_spec("torch"):
        raise BadInput(
            f'{folders.results} has checkpoints, which need `pip install "segwatch[segmentation]"`; without '
            "it give the folds' masks with --predictions"
        )
    if stage_before(folders.results / PLANS, folders.results.resolve().name.rpartition("__")[2]):
        raise BadInput(
            f"{folders.results}: a cascade's network needs the masks of the stage before, so it makes none "
            "here; give the folds' validation masks in one folder with --predictions"
        )
    return {fold: sha256_of(folders.results / f"fold_{fold}" / CHECKPOINT) for fold in folders.checkpoints}


def _plans(results: Path | None) -> dict[str, Any]:
    """nnU-Net's plans; nothing where there are none."""
    path = None if results is None else results / "plans.json"
    plans = read_json(path) if path is not None and path.is_file() else {}
    return plans if isinstance(plans, dict) else {}


def _device(asked: str) -> str:
    import torch

    there = torch.cuda.is_available()
    if asked.startswith("cuda") and not there:
        raise BadInput(f"--device {asked}: torch finds no GPU here")
    return ("cuda" if there else "cpu") if asked == "auto" else asked


def _check_lungs(making: Making) -> None:
    for case in making.cases.values():
        path = lung_file(making, case)
        if path is not None and not path.is_file():
            raise BadInput(f"the case {case.name} has no lung mask: there is no {path}")


def _seen(folders: NnunetFolders, patients: Mapping[str, str]) -> tuple[str, ...]:
    """Cases whose fold has learnt from another case of their patient."""

    def has_seen(case: ValidatedCase) -> bool:
        learnt = folders.trained_on.get(case.fold, frozenset())
        return any(patients.get(other) == patients[case.name] for other in learnt if other != case.name)

    return tuple(case.title for case in folders.cases if has_seen(case))


def _voxels(shape: Shape) -> int:
    z, y, x = shape
    return z * y * x
