"""Share of the lesion far outside the lung."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="outside_lung_5mm_share",
    what=(
        "The share of lesion voxels that lie outside the lung mask by more than 5 mm, on a grid of about "
        "2.5 mm. Distances run between middles of blocks, and the lung reaches about half a block beyond "
        "the middle of its last: seen from its border the limit is 3 to 4 mm."
    ),
    unit="1",
    range="0 to 1",
    good="low",
    blind_to=(
        "Errors at the pleura, on purpose: lung masks and lesion masks disagree there by a few mm in good "
        "cases."
    ),
    source="The paper's outlook: lesions within lungs, with the border's uncertainty taken out",
    cost="distance",
)


def value(scene: Scene) -> float:
    """Share beyond 5 mm from the lung."""
    return scene.coarse.share_beyond(5.0)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
