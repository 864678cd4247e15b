"""Why a feature has no value. The codes are stable; the words are for people."""

from enum import Enum


class Reason(Enum):
    """A stable short code, which is the name in small letters, and what it means in plain words."""

    EMPTY_MASK = "the lesion mask holds no voxel"
    LOST_ON_GRID = (
        "the lesion mask holds voxels, but none at a point of the grid: `segwatch measure --native` sees it"
    )
    NO_LUNG = "there is no lung mask, or it holds no voxel on the grid"
    NO_SLICE_PAIR = "no component has two different consecutive slices"
    COMPONENT_WITHOUT_PAIR = (
        "a component has no two different consecutive slices; the authors' code drops such cases"
    )
    CT_NOT_IN_HU = "the CT's values are not Hounsfield units; --ct-unit says what they are"
    NO_RIM = "no lung lies 3 to 8 mm around the lesion"
    NO_LESION_INSIDE = "no lesion lies inside the lung on the 2.5 mm grid"
    NO_LUNG_BORDER = "the lung mask fills the whole volume"
    NO_EDGE = "every run of the mask ends at the volume's border"
    NO_PROBABILITIES = "the mask came without the model's probabilities"
    NO_OPINION = (
        "no second opinion came with the mask: no other model is set, or there is no lung for it to look at"
    )
    OPINION_EMPTY = "the second opinion finds no lesion, so it has no recall"
    LUNG_ALL_LESION = "the lesion mask covers all of the lung"
    NO_DENSE_LUNG = "nothing in the lung is dense"
    FLAT_LUNG = "the lung outside the lesion mask has the same density everywhere"
    TOO_SMALL = "the lesion mask falls between the points of the 2.5 mm grid"
    LUNG_TOO_SMALL = "the lung mask falls between the points of the 2.5 mm grid"

    @property
    def code(self) -> str:
        """The short code."""
        return self.name.lower()

    def __str__(self) -> str:
        return f"{self.code}: {self.value}"


class NoValue(Exception):
    """A feature has no value for this study. Never leaves the room: it becomes null and a reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason
