"""Why a feature has no value. The codes are stable; the words are for people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable short code, and what it means in plain words."""

    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"


class NoValue(Exception):
    """A feature has no value for this study. Never leaves the room: it becomes null and a reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


EMPTY_MASK = Reason("empty_mask", "the lesion mask holds no voxel")
LOST_ON_GRID = Reason(
    "lost_on_grid",
    "the lesion mask holds voxels, but none at a point of the grid: `segwatch measure --native` sees it",
)
NO_LUNG = Reason("no_lung", "there is no lung mask, or it holds no voxel on the grid")
NO_SLICE_PAIR = Reason("no_slice_pair", "no component has two different consecutive slices")
COMPONENT_WITHOUT_PAIR = Reason(
    "component_without_pair",
    "a component has no two different consecutive slices; the authors' code drops such cases",
)
CT_NOT_IN_HU = Reason(
    "ct_not_in_hu", "the CT's values are not Hounsfield units; --ct-unit says what they are"
)
NO_RIM = Reason("no_rim", "no lung lies 3 to 8 mm around the lesion")
NO_LESION_INSIDE = Reason("no_lesion_inside", "no lesion lies inside the lung on the 2.5 mm grid")
NO_LUNG_BORDER = Reason("no_lung_border", "the lung mask fills the whole volume")
NO_EDGE = Reason("no_edge", "every run of the mask ends at the volume's border")
NO_PROBABILITIES = Reason("no_probabilities", "the mask came without the model's probabilities")
LUNG_ALL_LESION = Reason("lung_all_lesion", "the lesion mask covers all of the lung")
NO_DENSE_LUNG = Reason("no_dense_lung", "nothing in the lung is dense")
FLAT_LUNG = Reason("flat_lung", "the lung outside the lesion mask has the same density everywhere")
TOO_SMALL = Reason("too_small", "the lesion mask falls between the points of the 2.5 mm grid")
LUNG_TOO_SMALL = Reason("lung_too_small", "the lung mask falls between the points of the 2.5 mm grid")

REASONS = (
    EMPTY_MASK,
    LOST_ON_GRID,
    NO_LUNG,
    NO_SLICE_PAIR,
    COMPONENT_WITHOUT_PAIR,
    CT_NOT_IN_HU,
    NO_RIM,
    NO_LESION_INSIDE,
    NO_LUNG_BORDER,
    NO_EDGE,
    NO_PROBABILITIES,
    LUNG_ALL_LESION,
    NO_DENSE_LUNG,
    FLAT_LUNG,
    TOO_SMALL,
    LUNG_TOO_SMALL,
)
