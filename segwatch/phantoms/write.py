"""Phantoms as case folders, under the names that hold everywhere in segwatch."""

from pathlib import Path

from segwatch.files import whole_folder
from segwatch.phantoms.phantom import Phantom
from segwatch.volumes.nifti import write_nifti


def write_case(phantom: Phantom, folder: Path, truth: bool = True) -> None:
    """Write `ct.nii.gz`, `lung.nii.gz` and, with `truth`, `lesion_truth.nii.gz` into `folder`.

    The folder appears complete or not at all: it is written under a name that starts with a dot, which
    watchers of inboxes ignore, and renamed.

    Raises:
        OSError: the folder exists already with content, or cannot be written.
    """
    with whole_folder(folder) as hidden:
        write_nifti(hidden / "ct.nii.gz", phantom.ct, phantom.geometry)
        write_nifti(hidden / "lung.nii.gz", phantom.lung, phantom.geometry)
        if truth:
            write_nifti(hidden / "lesion_truth.nii.gz", phantom.lesion, phantom.geometry)
