"""The two readings of the paper's four features, and the options that both take."""

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from segwatch.errors import BadInput
from segwatch.features.kernels.components import Rule

Axis = Literal["z", "y", "x"]
ProfileName = Literal["paper", "authors-code"]


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """How the four features are read.

    Attributes:
        profile: the paper's definitions, or the authors' published code where that is well defined.
        components: the rule by which voxels connect, for all features.
        axis: along which slices are compared for the smoothness; x is the sagittal axis.
        min_voxels: smoothness takes the components with more voxels than this, or all where none has.
    """

    profile: ProfileName = "paper"
    components: Rule = "26"
    axis: Axis = "z"
    min_voxels: int = 0

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("profile", self.profile, get_args(ProfileName)),
            ("components", self.components, get_args(Rule)),
            ("axis", self.axis, get_args(Axis)),
        ):
            if value not in allowed:
                raise BadInput(f"{name}: {value!r} is none of {', '.join(map(repr, allowed))}")
        if self.min_voxels < 0:
            raise BadInput(f"min_voxels is a number of voxels, not {self.min_voxels}")


_PROFILES = {
    "paper": FeatureOptions(),
    "authors-code": FeatureOptions(profile="authors-code", axis="x", min_voxels=1000),
}


def options(
    profile: str = "paper", components: str = "26", axis: str | None = None, min_voxels: int | None = None
) -> FeatureOptions:
    """A profile's options, with what the caller sets in their place.

    Raises:
        BadInput: a value that is none of those allowed.
    """
    if profile not in _PROFILES:
        raise BadInput(f"profile: {profile!r} is none of {', '.join(map(repr, _PROFILES))}")
    read = replace(_PROFILES[profile], components=cast("Rule", components))
    if axis is not None:
        read = replace(read, axis=cast("Axis", axis))
    return read if min_voxels is None else replace(read, min_voxels=min_voxels)
