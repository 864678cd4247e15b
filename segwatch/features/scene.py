"""What features are measured on: a study's arrays, and what is derived from them once, when first asked.

Everything here is pure. A property raises `NoValue` where the study has no such thing.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from segwatch.contracts.studies import CtUnit, MaskProbabilities, SecondOpinion
from segwatch.errors import RefusedVolume
from segwatch.features.coarse import Coarse, coarsen
from segwatch.features.inputs import Spacing
from segwatch.features.kernels import sampling
from segwatch.features.kernels.components import Components, connect
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.runs import Runs
from segwatch.features.kernels.sampling import Intensities
from segwatch.features.kernels.slices import SliceOverlap, slice_overlap
from segwatch.features.profiles import FeatureOptions
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.tissue import Tissue, tissue_of

AIR_HU = -950.0
BONE_HU = 200.0
"""Infected lung lies between: emptier voxels are air or emphysema, denser ones bone, metal or contrast."""


@dataclass(frozen=True)
class NativeMask:
    """The lesion mask as the segmentation made it, before resampling; spacing (z, y, x) in mm."""

    mask: BinaryMask
    spacing: Spacing


@dataclass(frozen=True)
class Scene:
    """One study. Arrays are (z, y, x) of one shape, in canonical axial orientation; spacing in mm.

    Attributes:
        ct: HU, unless `ct_unit` is `unknown`.
        given_native: the lesion mask before resampling, where there is one: ml are measured there, slices lie
            as far apart as there, and what resampling lost is seen there.
        given: what the lesion model itself says of its mask.
        given_opinion: how the mask agrees with another model's.
    """

    ct: NDArray[Any]
    lesion: BinaryMask
    given_lung: BinaryMask | None
    spacing: Spacing
    ct_unit: CtUnit = "hu"
    options: FeatureOptions = field(default_factory=FeatureOptions)
    given_native: NativeMask | None = None
    given: MaskProbabilities | None = None
    given_opinion: SecondOpinion | None = None

    def __post_init__(self) -> None:
        """Raises RefusedVolume, `native_is_empty`, where the two lesion masks cannot be of one study."""
        if self.given_native and self.given_native.mask.runs.count == 0 < self.lesion.runs.count:
            raise RefusedVolume(
                "the lesion mask before resampling is empty, and the one made from it is not: segment the "
                "study again",
                kind="native_is_empty",
            )

    @property
    def empty(self) -> bool:
        """Whether the lesion mask holds nothing, on the grid and as it was made."""
        return self.lesion.runs.count == 0 and self.native.mask.runs.count == 0

    @property
    def runs(self) -> Runs:
        """The lesion's runs, known to be some: resampling can lose a small lesion."""
        if self.lesion.runs.count == 0:
            raise NoValue(Reason.LOST_ON_GRID)
        return self.lesion.runs

    @cached_property
    def components(self) -> Components:
        """The lesion's components, under the chosen rule."""
        return connect(self.runs, self.options.components)

    @cached_property
    def axial_overlap(self) -> SliceOverlap:
        """How alike axial slices are, over all components."""
        return slice_overlap(self.runs, self.components)

    @cached_property
    def lung(self) -> BinaryMask:
        """The lung mask, known to hold something."""
        if self.given_lung is None or not sampling.any_filled(self.given_lung):
            raise NoValue(Reason.NO_LUNG)
        return self.given_lung

    @cached_property
    def inside_lung(self) -> int:
        """How many lesion voxels lie in the lung."""
        return sampling.count_inside(self.lung, self.runs)

    @property
    def hu(self) -> NDArray[Any]:
        """The CT, known to be in HU."""
        if self.ct_unit == "unknown":
            raise NoValue(Reason.CT_NOT_IN_HU)
        return self.ct

    @cached_property
    def lesion_hu(self) -> Intensities:
        """The CT's values over all of the lesion."""
        return sampling.intensities(self.hu, self.runs, AIR_HU, BONE_HU)

    @cached_property
    def native(self) -> NativeMask:
        """The lesion mask as it was made, else as it is here."""
        return self.given_native or NativeMask(self.lesion, self.spacing)

    @cached_property
    def native_components(self) -> Components:
        """Its components."""
        if self.given_native is None:
            return self.components
        return connect(self.given_native.mask.runs, self.options.components)

    @cached_property
    def coarse(self) -> Coarse:
        """The coarser grid that distances are measured on."""
        coarse = coarsen(self.runs, self.lung.array, self.spacing)
        if not coarse.lung.any():
            raise NoValue(Reason.LUNG_TOO_SMALL)
        return coarse

    @cached_property
    def tissue(self) -> Tissue:
        """The lung's tissue on the coarser grid."""
        return tissue_of(self.hu, self.lung.array, self.lesion.array, self.coarse.step)

    @property
    def probabilities(self) -> MaskProbabilities:
        """What came with the mask."""
        if self.given is None:
            raise NoValue(Reason.NO_PROBABILITIES)
        return self.given

    @property
    def second_opinion(self) -> SecondOpinion:
        """What another model's mask says of this one."""
        if self.given_opinion is None:
            raise NoValue(Reason.NO_OPINION)
        return self.given_opinion
