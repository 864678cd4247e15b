"""What the CT shows in the lesion, at its edge and around it."""

import numpy as np

from segwatch.features.card import feature
from segwatch.features.coarse import middle_of_blocks
from segwatch.features.kernels.sampling import mean_edge_step
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.scene import Scene


@feature(
    what="Standard deviation of the CT over all lesion voxels.",
    unit="HU",
    range="from 0",
    good="neither",
    blind_to=(
        "Which voxels differ. It grows with the scan's noise and kernel as with a mask that takes in "
        "other tissue, which is what makes it useful where scanners change."
    ),
    source="First-order statistics, IBSI reference manual (Zwanenburg et al., Radiology 2020)",
    cost="cheap",
)
def lesion_hu_spread(scene: Scene) -> float:
    """Standard deviation over all lesion voxels."""
    return scene.lesion_hu.deviation


@feature(
    what="Lesion voxels below −950 HU (air, emphysema) or above 200 HU (bone, metal, contrast), over all.",
    good="low",
    blind_to=(
        "Every error over tissue between the bounds, muscle and healthy lung included. Noise alone pushes "
        "some voxels beyond them."
    ),
    source="The paper's outlook; −950 HU as the bound of emphysema: Gevenois et al., AJRCCM 1996",
    cost="cheap",
)
def impossible_hu_share(scene: Scene) -> float:
    """Voxels beyond the bounds over all."""
    found = scene.lesion_hu
    return (found.below + found.above) / found.count


@feature(
    what=(
        "Mean over all ends of the mask's runs along x of the absolute difference between the last voxel "
        "inside and the first outside, over their distance."
    ),
    unit="HU/mm",
    range="from 0",
    good="high",
    blind_to=(
        "Edges along y and z. Ground glass has soft borders in truth; noise and sharp kernels raise it "
        "everywhere."
    ),
    source=(
        "Kohlberger et al., Evaluating segmentation error without ground truth, MICCAI 2012: intensity "
        "gradient on the surface"
    ),
    cost="cheap",
)
def edge_gradient_hu_per_mm(scene: Scene) -> float:
    """Mean absolute step at the ends of runs, for each mm."""
    step = mean_edge_step(scene.hu, scene.runs)
    if step is None:
        raise NoValue(Reason.NO_EDGE)
    return step / scene.spacing[2]


@feature(
    what=(
        "Mean HU of the lesion, minus the mean HU of the lung 3 to 8 mm outside it. The rim is found on a "
        "grid of about 2.5 mm and the CT is sampled at its blocks' middles."
    ),
    unit="HU",
    range="about −1000 to 1000",
    good="high",
    blind_to=(
        "Soft borders, and lesions that fill the lung so that no rim is left. Where the lung mask leaves "
        "out consolidations, so does the rim."
    ),
    source="The paper's outlook; contrast across the surface: Kohlberger et al., MICCAI 2012",
    cost="distance",
)
def rim_contrast_hu(scene: Scene) -> float:
    """The lesion's mean HU minus the rim's."""
    rim, box = scene.coarse.rim()
    if not rim.any():
        raise NoValue(Reason.NO_RIM)
    around = middle_of_blocks(scene.hu, scene.coarse.step)[box][rim]
    return scene.lesion_hu.mean - float(around.mean(dtype=np.float64))


@feature(
    what=(
        "(Mean HU of the lesion − median HU of the lung outside it) / spread of that lung (1.4826 times "
        "the median absolute deviation of block means), on a grid of about 2.5 mm."
    ),
    unit="spreads",
    range="any; about 1 to 8 where the mask is good",
    good="high",
    blind_to=(
        "A mask that covers dense tissue that is no lesion. A noisy scan, or a diseased lung around the "
        "mask, lowers it."
    ),
    source=(
        "Contrast in units of noise (CNR); González et al., section 2.2, intensity mode, with the scan's "
        "own scale in its place"
    ),
    cost="lung",
)
def lesion_z_in_lung(scene: Scene) -> float:
    """Mean of the lesion over the lung outside it, in spreads."""
    middle, spread = scene.tissue.healthy
    if spread == 0:
        raise NoValue(Reason.FLAT_LUNG)
    return (scene.lesion_hu.mean - middle) / spread
