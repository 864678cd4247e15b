"""Why an image is refused, in stable words: they appear in metrics, receipts and dead letters."""

from typing import Literal

from segwatch.errors import RefusedVolume

Kind = Literal[
    "affine_mismatch",  # a mask lies elsewhere in the patient than its CT
    "ambiguous_affine",  # a NIfTI file says two different things about where it lies
    "conflicting_instances",  # two images under one SOP Instance UID
    "bad_spacing",  # zero, infinite or unknown distance between voxels, or none that a CT has
    "duplicate_slices",  # two different slices at one place
    "localizer",  # a scout view, not a volume
    "missing_slices",  # a gap between slices
    "mixed_series",  # more than one series, patient, acquisition, kernel, phase or frame of reference
    "no_such_label",  # a mask's label that was asked for by a name which nothing explains
    "no_affine",  # the file does not say where it lies, so left and right are unknown
    "no_rescale",  # a DICOM CT without the values that turn it into HU
    "not_binary",  # a mask with values between labels, or negative ones
    "not_ct",  # another modality
    "not_display",  # said to be 8-bit display values, and is not
    "not_finite",  # NaN or infinite voxels
    "not_three_dimensional",  # more or fewer axes, or several frames
    "oblique",  # tilted against the patient's axes by more than is allowed
    "shape_mismatch",  # a mask of another shape than its CT
    "several_labels",  # a mask of several things, and no word on which of them is lesion
    "sheared",  # axes that are not at right angles, as a tilted gantry makes them
    "too_large",  # more voxels than any CT has
    "truncated_file",  # the file ends early, or its checksum is wrong
    "unknown_file",  # a file in a case that is none of its images
    "unreadable",  # not an image of a format that is read
    "varying_geometry",  # slices of one series that differ in size, spacing or orientation
    "varying_spacing",  # slices at uneven distances
]


def refused(kind: Kind, name: str, problem: str) -> RefusedVolume:
    """The error for an image that cannot be measured soundly.

    Args:
        kind: the stable word for it.
        name: of the file or folder, without its path: patients' names may stand in parents.
        problem: what is wrong, and what to do about it.
    """
    return RefusedVolume(f"{name}: {problem}", kind=kind)


_HALVES = {".nhdr": ".nrrd", ".mhd": ".mha", ".hdr": ".nii", ".img": ".nii"}


def half_of_an_image(name: str) -> str | None:
    """What is wrong with a file whose voxels or header lie in another; None where its name tells nothing."""
    whole = next((whole for half, whole in _HALVES.items() if name.lower().endswith(half)), None)
    return whole and f"it is half of an image; save both as one {whole} file"
