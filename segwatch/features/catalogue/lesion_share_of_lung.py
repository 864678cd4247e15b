"""How much of the lung is lesion."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_share_of_lung",
    what=(
        "Lesion voxels, over the voxels that are lung or lesion. The union keeps it below 1 where the "
        "lung mask leaves out consolidations."
    ),
    unit="1",
    range="0 to 1",
    good="neither",
    blind_to="Where the lesion is. Severe disease and over-segmentation both raise it.",
    source=(
        "Lanza et al., Quantitative chest CT analysis in COVID-19, European Radiology 2020: compromised "
        "share of lung"
    ),
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Lesion voxels over those of lung and lesion together."""
    lesion = scene.runs.voxels
    return lesion / (scene.lung.runs.voxels + lesion - scene.inside_lung)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
