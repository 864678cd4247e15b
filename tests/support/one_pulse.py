"""A pulse of small studies that bring their own masks: what a stack is told in tests, without torch."""

import json
from pathlib import Path

from deploy.local.machine.folders import MODELS, POLICIES
from deploy.local.stack.hospital import SiteSettings
from segwatch.files import whole_folder
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.volumes.nifti import write_nifti

SITE = "hospital-a"
STUDIES = 20
SHAPE = (16, 64, 64)
SETTINGS = SiteSettings(
    lesion_model=None,
    scorer=MODELS / "demo-scorer",
    policy=POLICIES / "demo.yaml",
    noise_seed=1,
    quiet_seconds=0.5,
)


def name_of(number: int) -> str:
    """The case's folder."""
    return f"scan-of-{number:03d}"


def drop(number: int, inbox: Path) -> frozenset[str]:
    """Let a phantom with its mask appear in the inbox; everything that it is called outside."""
    name, patient, study = name_of(number), f"PATIENT^{number:03d}", f"1.2.826.0.{number}"
    phantom = make_phantom(500 + number, shape=SHAPE)
    with whole_folder(inbox / name) as made:
        write_case(phantom, made, truth=False)
        write_nifti(made / "lesion_predicted.nii.gz", phantom.lesion, phantom.geometry)
        (made / "study.json").write_text(json.dumps({"patient": patient, "study": study}))
    return frozenset({name, patient, study, "ct.nii.gz", "lesion_predicted.nii.gz", "study.json"})
