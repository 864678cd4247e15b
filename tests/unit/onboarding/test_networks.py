"""Masks that folds' own networks make: the committed demo bundle is laid out as a trainer's results are."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from segwatch.errors import BadInput
from segwatch.onboarding.asked import Asked, Checked, checked
from segwatch.onboarding.making import row_of
from segwatch.onboarding.planning import plan_of_masks
from segwatch.onboarding.recipes import MaskRecipe
from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.nifti import write_nifti
from tests.support.nnunet_folders import MadeUp, fill, folders_in, paths_of, write_splits

pytestmark = [pytest.mark.torch, pytest.mark.slow]
pytest.importorskip("torch", reason="needs the extra `segmentation`")

DEMO = Path(__file__).parents[3] / "deploy/models/demo-lesion"
NAMES = [f"p{number:02d}" for number in range(8)]


@pytest.fixture(scope="module", autouse=True)
def _nnunet() -> None:
    with warnings.catch_warnings():  # nnU-Net warns of its own libraries' age
        warnings.simplefilter("ignore")
        import segwatch.segmentation.lesion  # noqa: F401


@pytest.fixture
def made(tmp_path: Path) -> MadeUp:
    folders = folders_in(tmp_path, NAMES)
    fill(folders, NAMES)
    write_splits(folders, NAMES)
    shutil.copyfile(DEMO / "plans.json", folders.results / "plans.json")
    for fold in range(2):
        shutil.copyfile(
            DEMO / "fold_0" / "checkpoint_final.pth",
            folders.results / f"fold_{fold}" / "checkpoint_final.pth",
        )
    return folders


def asked_of(made: MadeUp, tmp_path: Path) -> Checked:
    return checked(
        Asked(
            raw=made.raw,
            results=made.results,
            predictions=None,
            splits=None,
            out=tmp_path / "scorer",
            name="",
            labels=(),
            patient_pattern=None,
            patients=None,
            budget="9h",
            rounds=1,
            lung="own",
            lung_weights=None,
            lung_weights_sha256=None,
            ct_unit="auto",
            device="cpu",
            mirroring=False,
            workers=1,
            seed=0,
        )
    )


def test_checkpoints_alone_give_masks_of_cases_that_they_have_not_seen(made, tmp_path):
    phantom = make_phantom(5, load=0.15)
    image, truth, mask = paths_of(made, "p00", 0)
    write_nifti(image, phantom.ct, phantom.geometry)
    write_nifti(truth, phantom.lesion, phantom.geometry)
    mask.unlink()
    found = asked_of(made, tmp_path)

    plain, noisy = (
        row_of(found.making, MaskRecipe(name, "p00-fold0", "network", changes))
        for name, changes in (("plain", ()), ("noisy", (("dose", 1.0),)))
    )

    assert plain["dice"] > 0.6
    assert noisy["dice"] < plain["dice"]
    assert plain["status"] == "measured"


def test_a_file_in_other_axes_is_shown_to_the_network_in_its_own(made, tmp_path):
    """A network that was trained on turned files knows them turned."""
    found = asked_of(made, tmp_path)
    shown = []

    class Network:
        """Calls the upper left of the front slice a lesion, in whatever axes it is shown."""

        def predict(self, ct, spacing):
            shown.append((ct.shape, spacing))
            mask = np.zeros(ct.shape, np.bool_)
            mask[0, :2, :2] = True
            return type("Found", (), {"mask": mask})

    from segwatch.onboarding.opened_case import predicted_by, turning_of

    case = found.making.cases["p00-fold0"]
    import SimpleITK

    turned = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(case.ct)), "RAS")
    SimpleITK.WriteImage(turned, str(case.ct))
    turning = turning_of(case.ct)
    hu = np.zeros(turning.geometry.shape_zyx, np.int16)
    mask = predicted_by(Network(), hu, (13.0, 7.0, 7.0), "hu", turning, "SimpleITKIO")

    assert mask[0, -2:, -2:].all()
    assert mask.sum() == 4
    assert shown == [((12, 48, 48), (13.0, 7.0, 7.0))]


def test_masks_that_are_not_the_networks_are_refused_before_hours_are_spent(made, tmp_path):
    found = asked_of(made, tmp_path)

    with pytest.raises(BadInput, match=r"the network of fold \d does not give .*validation.* again"):
        plan_of_masks(found, tmp_path / "rows", workers=1, count=1, seed=0, done=lambda: None)
