"""Where others keep their scans, masks and truths: each layout as a list of cases.

A case needs a CT, a predicted mask and an expert's mask, on the same voxels; a lung mask where there is
one. Names end in .nii.gz, or in .nii, .nrrd or .mha. docs/evaluation.md says what each layout is taken to be.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from segwatch.errors import RefusedCohort
from segwatch.volumes.case_files import USUAL
from segwatch.volumes.read import IMAGES

BENCHMARK = "covid-benchmark"
ENDINGS = (USUAL, *(ending for ending in IMAGES if ending != USUAL))
"""Of two files of a name the earlier counts."""


@dataclass(frozen=True)
class SourceCase:
    """A case where it lies. Files that were not found are None; `arrange` says what that means."""

    name: str
    patient: str
    ct: Path
    predicted: Path | None
    truth: Path | None
    lung: Path | None


def recognised(folder: Path) -> str | None:
    """The layout of a folder that `--cohort` names: `jip`, `nnunet`, or None for a folder of cases."""
    if (folder / "imagesTs").is_dir():
        return "nnunet"
    if _jip_input(folder) is not None:
        return "jip"
    return None


def sources(
    layout: str, folder: Path, predictions: Path | None = None, lungs: Path | None = None
) -> list[SourceCase]:
    """The cases of a layout.

    Args:
        layout: a name in LAYOUTS. folder: its root.
        predictions, lungs: folders with CASE.nii.gz, for layouts that have no place for them.

    Raises:
        RefusedCohort: no such layout or folder, or no case in it.
    """
    if layout not in LAYOUTS:
        raise RefusedCohort(f"there is no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    for path in (folder, predictions, lungs):
        if path is not None and not path.is_dir():
            raise RefusedCohort(f"there is no folder {path}")
    found = [_with(source, predictions, lungs) for source in LAYOUTS[layout](folder)]
    if not found:
        raise RefusedCohort(
            f"{folder} holds no case of the layout {layout} (docs/evaluation.md says what it is)"
        )
    return sorted(found, key=lambda source: source.name)


def _with(source: SourceCase, predictions: Path | None, lungs: Path | None) -> SourceCase:
    return SourceCase(
        source.name,
        source.patient,
        source.ct,
        source.predicted if predictions is None else _image(predictions, source.name),
        source.truth,
        source.lung if lungs is None else _image(lungs, source.name),
    )


def _jip(folder: Path) -> Iterator[SourceCase]:
    """The authors': PATIENT/img/img.nii.gz, PATIENT/seg/001.nii.gz, PATIENT/pred/MODEL/pred.nii.gz.

    Each model's prediction is a case, PATIENT-MODEL. Source: README of MECLabTUDA/QA_Seg.
    """
    root = _jip_input(folder)
    for patient in _folders(root or folder):
        ct = _image(patient / "img", "img")
        if ct is None:
            continue
        for model in _folders(patient / "pred"):
            yield SourceCase(
                f"{patient.name}-{model.name}",
                patient.name,
                ct,
                _image(model, "pred"),
                _image(patient / "seg", "001"),
                _image(patient / "lung_seg", "lung_seg"),
            )


def _nnunet(folder: Path) -> Iterator[SourceCase]:
    """imagesTs/CASE_0000.nii.gz, predictions/CASE.nii.gz, labelsTs/CASE.nii.gz; lungsTs may be there."""
    for ct, name in _named(folder / "imagesTs", "_0000"):
        yield SourceCase(
            name,
            name,
            ct,
            _image(folder / "predictions", name),
            _image(folder / "labelsTs", name),
            _image(folder / "lungsTs", name),
        )


def _covid_benchmark(folder: Path) -> Iterator[SourceCase]:
    """Both halves of an nnU-Net raw folder, imagesTs and imagesTr with their labels: see `benchmark`."""
    for half in ("Ts", "Tr"):
        for ct, name in _named(folder / f"images{half}", "_0000"):
            predicted, truth, lung = (
                _image(folder / part, name) for part in ("predictions", f"labels{half}", f"lungs{half}")
            )
            yield SourceCase(name, name, ct, predicted, truth, lung)


def _challenge(folder: Path) -> Iterator[SourceCase]:
    """COVID-19-20: CASE_ct.nii.gz and CASE_seg.nii.gz in one folder, or in Train beneath it."""
    root = folder / "Train" if (folder / "Train").is_dir() else folder
    for ct, name in _named(root, "_ct"):
        yield SourceCase(name, name, ct, None, _image(root, f"{name}_seg"), None)


def _mosmed(folder: Path) -> Iterator[SourceCase]:
    """MosMedData: studies/CT-*/CASE.nii.gz, and masks/CASE_mask.nii.gz of those that an expert annotated."""
    for truth, name in _named(folder / "masks", "_mask"):
        for degree in _folders(folder / "studies"):
            ct = _image(degree, name)
            if ct is not None:
                yield SourceCase(name, name, ct, None, truth, None)


def _in_house(folder: Path) -> Iterator[SourceCase]:
    """The authors' hospital's: PATIENT/image.nii.gz, mask.nii.gz; prediction and lung may be there."""
    for patient in _folders(folder):
        ct = _image(patient, "image")
        if ct is not None:
            found = (_image(patient, name) for name in ("prediction", "mask", "lung"))
            predicted, truth, lung = found
            yield SourceCase(patient.name, patient.name, ct, predicted, truth, lung)


LAYOUTS: Mapping[str, Callable[[Path], Iterator[SourceCase]]] = {
    "jip": _jip,
    "nnunet": _nnunet,
    BENCHMARK: _covid_benchmark,
    "challenge": _challenge,
    "mosmed": _mosmed,
    "in-house": _in_house,
}


def _jip_input(folder: Path) -> Path | None:
    """Where the patients are: the folder itself, or train_dirs/input or data_dirs/input beneath it."""
    for root in (folder, folder / "input", folder / "train_dirs" / "input", folder / "data_dirs" / "input"):
        if any(_image(patient / "img", "img") for patient in _folders(root)):
            return root
    return None


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _named(folder: Path, ending: str) -> Iterator[tuple[Path, str]]:
    """Files called NAME + ending, with their NAME."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        for suffix in ENDINGS:
            whole = ending + suffix
            if path.name.endswith(whole) and not path.name.startswith("."):
                yield path, path.name.removesuffix(whole)


def _image(folder: Path, name: str) -> Path | None:
    """The image of that name, in any format that is read, if there is one."""
    return next((path for suffix in ENDINGS if (path := folder / f"{name}{suffix}").is_file()), None)
