"""One mask, by every way that a hospital's own comes: the scored record is the same to the last digit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from segwatch.contracts.base import Geometry
from segwatch.contracts.studies import StudyScored
from segwatch.dicom_masks.header import mask_file
from segwatch.volumes.image import Mask, Volume
from segwatch.volumes.nifti import write_nifti
from services.ingest.case import CaseFiles
from tests.support.dicom_masks import contours, saved, segmentation
from tests.support.images import dicom_slices, save_all
from tests.support.stages_in_a_row import Stages, as_measured

GEOMETRY = Geometry(
    shape_zyx=(24, 96, 96),
    spacing_zyx_mm=(10.0, 3.5, 3.5),
    origin_xyz_mm=(-160.0, -160.0, -200.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)


def _chest() -> tuple[Volume, Mask]:
    """A body with two lungs, and two lesions in them, of which one has a hole."""
    z, y, x = np.ogrid[:24, :96, :96]
    hu = np.full((24, 96, 96), -1000.0)
    hu[np.broadcast_to(((x - 47.5) / 43) ** 2 + ((y - 47.5) / 33) ** 2 < 1, hu.shape)] = 40
    for side in (-19, 19):
        hu[((x - 47.5 - side) / 14) ** 2 + ((y - 47.5) / 23) ** 2 + ((z - 11.5) / 11) ** 2 < 1] = -850
    lesion = ((x - 66) / 6) ** 2 + ((y - 47) / 8) ** 2 + ((z - 12) / 3) ** 2 < 1
    lesion &= ~np.broadcast_to((abs(x - 66) < 2) & (abs(y - 47) < 2), lesion.shape)
    lesion |= ((x - 28) / 4) ** 2 + ((y - 50) / 5) ** 2 + ((z - 8) / 2) ** 2 < 1
    hu[lesion] = -450
    hu += np.random.default_rng(3).normal(0, 8, hu.shape) * (hu > -990)
    return Volume(np.round(hu).astype(np.int16), GEOMETRY), lesion


CT, LESION = _chest()
LUNG = CT.array < -700


def _shuffled(made: Dataset) -> Dataset:
    """The frames in another order."""
    order = np.random.default_rng(1).permutation(int(made.NumberOfFrames))
    size = made.Rows * made.Columns
    bits = np.unpackbits(np.frombuffer(made.PixelData, np.uint8), bitorder="little")
    frames = bits[: size * len(order)].reshape(len(order), size)[order]
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    made.PixelData = packed + b"\0" * (len(packed) % 2)
    groups = made.PerFrameFunctionalGroupsSequence
    made.PerFrameFunctionalGroupsSequence = [groups[place] for place in order]
    return made


def _seg(**how: object) -> Callable[[list[Dataset]], Dataset]:
    return lambda slices: segmentation(slices, {"lesion": LESION}, GEOMETRY, **how)  # type: ignore[arg-type]


ENCODINGS: dict[str, tuple[Callable[[list[Dataset]], Dataset], str]] = {
    "SEG, binary, empty frames left out": (_seg(), ""),
    "SEG, binary, frames in another order": (lambda slices: _shuffled(_seg()(slices)), ""),
    "SEG, binary, sagittal and turned": (_seg(turn=(2, 0, 1), flip=(0, 2), omit_empty_frames=False), ""),
    "SEG, fractional": (_seg(kind="FRACTIONAL"), ""),
    "SEG, label map": (_seg(kind="LABELMAP"), ""),
    "SEG, several segments": (
        lambda slices: segmentation(slices, {"lung": LUNG & ~LESION, "infection": LESION}, GEOMETRY),
        "infection",
    ),
    "SEG, label map, compressed": (
        _seg(kind="LABELMAP", transfer_syntax_uid=RLELossless),
        "",
    ),
    "RTSTRUCT": (lambda slices: contours(slices, {"lesion": LESION}, GEOMETRY), ""),
    "RTSTRUCT, exclusive or": (
        lambda slices: contours(slices, {"lesion": LESION}, GEOMETRY, "CLOSEDPLANAR_XOR"),
        "",
    ),
    "RTSTRUCT, several regions": (
        lambda slices: contours(slices, {"Lung": LUNG, "Infection": LESION}, GEOMETRY),
        "infection",
    ),
}


@pytest.fixture(scope="module")
def by_nifti(tmp_path_factory: pytest.TempPathFactory) -> StudyScored:
    """The same study as NIfTI files."""
    folder = tmp_path_factory.mktemp("nifti")
    case = folder / "case"
    case.mkdir()
    write_nifti(case / "ct.nii.gz", CT.array, GEOMETRY)
    write_nifti(case / "lesion_predicted.nii.gz", LESION, GEOMETRY)
    return Stages(folder).scored(case)


def test_the_study_by_which_the_others_are_judged_has_a_score(by_nifti: StudyScored) -> None:
    assert by_nifti.predicted_dice is not None
    assert by_nifti.features["connected_components"] == 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_dicom_mask_scores_as_the_file_does(tmp_path: Path, by_nifti: StudyScored, encoding: str) -> None:
    make, label = ENCODINGS[encoding]
    slices = dicom_slices(CT)
    series = save_all(slices, tmp_path / "series")
    mask = mask_file(saved(make(slices), tmp_path / "mask.dcm"))
    assert mask is not None
    scored = Stages(tmp_path).scored(CaseFiles(tmp_path / "series", tuple(series), (mask,)), label)
    assert as_measured(scored) == as_measured(by_nifti)
