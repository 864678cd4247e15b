"""The network is shown what nnU-Net's own command line shows it, however a file's axes lie."""

import json
import math
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import RefusedModel
from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.bundle import open_bundle
from segwatch.segmentation.bundling import bundle_of
from segwatch.segmentation.plans import CANONICAL, READERS
from segwatch.volumes.nifti import write_nifti
from segwatch.volumes.read import read_ct, read_mask

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="needs the extra `segmentation`")
SimpleITK = pytest.importorskip("SimpleITK", reason="needs the extra `segmentation`")

DEMO = Path(__file__).parents[3] / "deploy/models/demo-lesion"
NO_CT = ("NaturalImage2DIO", "Tiff3DIO")
"""Those of nnU-Net's readers that read no CT: files that do not say where they lie."""
SHAPE, SPACING = (16, 64, 64), (9.0, 5.4, 6.2)
"""Small, so that a scan takes a tenth of a second, and no side like another, so that axes that are mistaken
for each other give another mask."""
TILT = math.radians(3)
TILTED = (1.0, 0.0, 0.0, 0.0, math.cos(TILT), math.sin(TILT), 0.0, -math.sin(TILT), math.cos(TILT))
STRAIGHT = "straight"
FLIPPED = ("LPS", "RAS", "LAS", "RPI")
PERMUTED = ("SAR", "PIL")
PREDICT = """
import sys
from nnunetv2.inference.predict_from_raw_data import predict_entry_point
scans, found, *readers = sys.argv[1:]
for reader in readers:
    asked = f"-i {scans} -o {found}/{reader} -d 1 -p {reader} -c 3d_fullres -f 0"
    sys.argv = ["nnUNetv2_predict", *asked.split(), *"-device cpu -npp 0 -nps 0 --disable_tta".split()]
    predict_entry_point()
"""


@dataclass(frozen=True)
class CommandLine:
    """What nnU-Net's own command line made of scans: a folder of masks for each reader."""

    results: Path
    scans: Path
    found: Path

    def scan(self, layout: str) -> Path:
        """The file whose axes lie like that."""
        return self.scans / f"{layout}_0000.nii.gz"

    def trained(self, reader: str) -> Path:
        """The folder of the network whose plans name that reader."""
        return self.results / "Dataset001_Phantoms" / f"nnUNetTrainer__{reader}__3d_fullres"

    def mask(self, reader: str, layout: str) -> np.ndarray:
        """Of that scan, in the canonical axes."""
        like = read_ct(self.scan(layout)).geometry
        return read_mask(self.found / reader / f"{layout}.nii.gz", like).array


@pytest.fixture(scope="module")
def nnunet(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """One phantom in every layout, segmented with every reader."""
    folder = tmp_path_factory.mktemp("nnunet")
    there = CommandLine(folder / "results", folder / "scans", folder / "found")
    there.scans.mkdir()
    phantom = make_phantom(9, shape=SHAPE)
    straight = phantom.geometry.model_copy(update={"spacing_zyx_mm": SPACING})
    tilted = straight.model_copy(update={"direction": TILTED})
    write_nifti(there.scan(STRAIGHT), phantom.ct, straight)
    write_nifti(folder / "tilted.nii.gz", phantom.ct, tilted)
    for layout in (*FLIPPED, *PERMUTED):
        turned = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(folder / "tilted.nii.gz")), layout)
        SimpleITK.WriteImage(turned, str(there.scan(layout)))
    plans = json.loads((DEMO / "plans.json").read_text())
    plans["configurations"]["3d_fullres"] |= {"patch_size": SHAPE, "spacing": [10.0, 5.4, 5.4]}
    for reader in READERS:
        shutil.copytree(DEMO, there.trained(reader), ignore=shutil.ignore_patterns("manifest.json"))
        (there.trained(reader) / "plans.json").write_text(
            json.dumps({**plans, "image_reader_writer": reader})
        )
    command = [sys.executable, "-c", PREDICT, there.scans, there.found, *READERS]
    environment = {**os.environ, "nnUNet_results": str(there.results), "OMP_NUM_THREADS": "1"}
    subprocess.run([*map(str, command)], check=True, capture_output=True, env=environment)
    return there


@pytest.fixture
def ours(nnunet: CommandLine, tmp_path: Path) -> Callable[[str, str, str], np.ndarray]:
    """Our mask of a scan by the bundle that `segwatch bundle` makes of a reader's network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from segwatch.segmentation.lesion import LesionModel

    def mask(reader: str, layout: str, axes: str = "") -> np.ndarray:
        bundle_of(nnunet.trained(reader), tmp_path / "bundle", "test", axes=axes)
        ct = read_ct(nnunet.scan(layout))
        model = LesionModel(open_bundle(tmp_path / "bundle"), mirroring=False)
        return model.predict(ct.array, ct.geometry.spacing_zyx_mm).mask

    return mask


TURNS_FILES = [reader for reader, (_, always) in READERS.items() if always]
TAKES_FILES_AS_THEY_LIE = [reader for reader, (_, always) in READERS.items() if not always]


@pytest.mark.parametrize("layout", [STRAIGHT, *FLIPPED, *PERMUTED])
@pytest.mark.parametrize("reader", TURNS_FILES)
def test_where_the_reader_turns_files_the_mask_is_nnunets_whatever_the_files_axes(
    nnunet, ours, reader, layout
):
    theirs = nnunet.mask(reader, layout)
    assert theirs.any()
    np.testing.assert_array_equal(ours(reader, layout), theirs)


@pytest.mark.parametrize("layout", FLIPPED)
@pytest.mark.parametrize("reader", TAKES_FILES_AS_THEY_LIE)
def test_where_it_takes_files_as_they_lie_the_mask_is_nnunets_of_a_file_that_lies_as_in_training(
    nnunet, ours, reader, layout
):
    theirs = nnunet.mask(reader, layout)
    assert theirs.any()
    np.testing.assert_array_equal(ours(reader, layout, layout), theirs)


@pytest.mark.parametrize("layout", PERMUTED)
@pytest.mark.parametrize("reader", TAKES_FILES_AS_THEY_LIE)
def test_a_file_that_lies_otherwise_than_in_training_is_turned_first(nnunet, ours, reader, layout):
    assert (nnunet.mask(reader, layout) != nnunet.mask(reader, CANONICAL)).any()  # nnU-Net turns nothing
    np.testing.assert_array_equal(ours(reader, layout), nnunet.mask(reader, CANONICAL))


def test_every_reader_that_nnunet_has_is_known_or_makes_no_bundle(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nnunetv2.imageio import reader_writer_registry, simpleitk_reader_writer

    theirs = {each.__name__ for each in reader_writer_registry.LIST_OF_IO_CLASSES}
    theirs.add(simpleitk_reader_writer.SimpleITKIOWithReorient.__name__)  # plans may name it, files never
    assert theirs == {*READERS, *NO_CT}
    trained = tmp_path / "trained"
    shutil.copytree(DEMO, trained, ignore=shutil.ignore_patterns("manifest.json"))
    plans = json.loads((DEMO / "plans.json").read_text())
    for reader in NO_CT:
        (trained / "plans.json").write_text(json.dumps({**plans, "image_reader_writer": reader}))
        with pytest.raises(RefusedModel, match=reader):
            bundle_of(trained, tmp_path / "made", "x")
