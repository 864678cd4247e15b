"""Share of lesion that cannot be infected lung."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="impossible_hu_share",
    what="Lesion voxels below −950 HU (air, emphysema) or above 200 HU (bone, metal, contrast), over all.",
    unit="1",
    range="0 to 1",
    good="low",
    blind_to=(
        "Every error over tissue between the bounds, muscle and healthy lung included. Noise alone pushes "
        "some voxels beyond them."
    ),
    source="The paper's outlook; −950 HU as the bound of emphysema: Gevenois et al., AJRCCM 1996",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Voxels beyond the bounds over all."""
    found = scene.lesion_hu
    return (found.below + found.above) / found.count


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
