"""Measuring one study's mask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import CtUnit, Ensemble, MaskProbabilities, MeasureStatus, SecondOpinion
from segwatch.features import inputs
from segwatch.features.card import Feature
from segwatch.features.kernels.components import Rule
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.profiles import FeatureOptions, ProfileName, options
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.registry import CATALOGUE, PAPER4, feature
from segwatch.features.scene import NativeMask, Scene
from segwatch.volumes.hounsfield import in_hounsfield


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a mask.

    Attributes:
        status: `empty`, the mask holds no voxel, on the grid or as it was made; `partly_undefined`, one of
            the paper's four has no value, or the mask holds nothing on the grid; else `measured`.
        features: each feature's value, or None where it has none.
        undefined: for each feature without value, why: a stable code, then words.
        ct_unit: what the CT's values are; `display` marks what was made from mapped display values.
        opinion: the model that the second opinion's features compare with. ensemble: of the lesion model.
    """

    status: MeasureStatus
    features: dict[str, float | None]
    undefined: dict[str, str]
    options: FeatureOptions
    ct_unit: CtUnit
    opinion: ModelIdentity | None = None
    ensemble: Ensemble | None = None

    @property
    def profile(self) -> ProfileName:
        """The reading of the paper's features."""
        return self.options.profile

    @property
    def components(self) -> Rule:
        """The rule by which voxels connect."""
        return self.options.components

    @property
    def feature_versions(self) -> dict[str, int]:
        """The version of each feature, as it is measured here."""
        return {name: CATALOGUE[name].version for name in self.features}


def measure(
    ct: NDArray[Any],
    lesion: NDArray[Any],
    lung: NDArray[Any] | None,
    spacing: Sequence[float],
    *,
    profile: str = "paper",
    components: str = "26",
    axis: str | None = None,
    min_voxels: int | None = None,
    ct_unit: str = "auto",
    features: Sequence[str] = PAPER4,
    native: NativeMask | None = None,
    probabilities: MaskProbabilities | None = None,
    second_opinion: SecondOpinion | None = None,
) -> Measures:
    """Measure arrays as they are, without resampling.

    Args:
        ct: (z, y, x) in canonical axial orientation.
        lesion: of the same shape; any label above 0 counts.
        lung: likewise, or None.
        spacing: (z, y, x) in mm.
        profile: `paper` or `authors-code` (see `segwatch.features.profiles`).
        components: `26` or `l1`.
        axis: along which slices are compared: `z`, `y` or `x`; the profile's where None.
        min_voxels: the smoothness takes components with more voxels than this; the profile's where None.
        ct_unit: `hu`; `display`, 8-bit values to be mapped to HU; `unknown`; `auto`: `hu` where a value is
            below 0.
        features: names from the catalogue.
        native: the lesion mask before resampling: for what is measured in ml, for the slices' own distance,
            and to tell a mask that resampling emptied from an empty one.
        probabilities: what the lesion model itself says of its mask.
        second_opinion: how the mask agrees with another model's.

    Raises:
        RefusedVolume: the arrays cannot be measured soundly; `kind` says why.
        BadInput: an option or a feature that there is not.
    """
    reading = options(profile, components, axis, min_voxels)
    wanted = [feature(name) for name in features]
    inputs.check_shapes(ct, lesion, lung)
    step = inputs.check_spacing(spacing)
    if native is not None:
        inputs.check_spacing(native.spacing)
    ct = inputs.as_numbers(ct)
    unit = inputs.known_unit(ct_unit, ct)
    scene = Scene(
        ct=in_hounsfield(ct, "display", "the CT")[0] if unit == "display" else ct,
        lesion=BinaryMask(inputs.as_bytes(lesion, "lesion")),
        given_lung=None if lung is None else BinaryMask(inputs.as_bytes(lung, "lung")),
        spacing=step,
        ct_unit=unit,
        options=reading,
        given_native=native,
        given=probabilities,
        given_opinion=second_opinion,
    )
    return measure_scene(scene, wanted)


def measure_scene(scene: Scene, features: Sequence[Feature]) -> Measures:
    """Measure features on a scene whose arrays are known to be sound."""
    found = {each.card.name: _value(each, scene) for each in features}
    values = {name: None if isinstance(value, Reason) else value for name, value in found.items()}
    undefined = {name: str(value) for name, value in found.items() if isinstance(value, Reason)}
    return Measures(
        _status(scene, undefined),
        values,
        undefined,
        scene.options,
        scene.ct_unit,
        None if scene.given_opinion is None else scene.given_opinion.model,
        None if scene.given is None else scene.given.ensemble,
    )


def _value(each: Feature, scene: Scene) -> float | Reason:
    if scene.empty:
        return each.of_empty
    try:
        return each.value(scene)
    except NoValue as missing:
        return missing.reason


def _status(scene: Scene, undefined: dict[str, str]) -> MeasureStatus:
    if scene.empty:
        return "empty"
    lost = scene.lesion.runs.count == 0
    return "partly_undefined" if lost or any(name in undefined for name in PAPER4) else "measured"
