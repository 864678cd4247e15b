"""Where the lesion lies, seen from the lung."""

from segwatch.features.card import feature
from segwatch.features.kernels.extent import centre_zx, share_above_x, share_above_z
from segwatch.features.lesion_share import lung_share
from segwatch.features.scene import Scene


@feature(
    what=(
        "Lesion voxels, over the voxels that are lung or lesion. The union keeps it below 1 where the "
        "lung mask leaves out consolidations."
    ),
    good="neither",
    blind_to="Where the lesion is. Severe disease and over-segmentation both raise it.",
    source=(
        "Lanza et al., Quantitative chest CT analysis in COVID-19, European Radiology 2020: compromised "
        "share of lung"
    ),
    cost="cheap",
)
def lesion_share_of_lung(scene: Scene) -> float:
    """Lesion voxels over those of lung and lesion together."""
    return lung_share(scene.runs.voxels, scene.lung.runs.voxels, scene.inside_lung)


@feature(
    what="The share of lesion voxels to the patient's left of the lung mask's centre.",
    good="neither",
    blind_to=(
        "What is on either side. One-sided disease is real; across a site's studies the mean should stay "
        "near 0.5."
    ),
    source="Distribution between the lungs, as in CT severity scores (Pan et al., Radiology 2020)",
    cost="cheap",
)
def lesion_left_share(scene: Scene) -> float:
    """Share beyond the lung's centre along x."""
    _, x = centre_zx(scene.lung.runs)
    return share_above_x(scene.runs, x)


@feature(
    what="The share of lesion voxels above (towards the head of) the lung mask's centre.",
    good="neither",
    blind_to="What is in either half. Covid-19 prefers the lower lung, other disease does not.",
    source="Distribution between zones, as in CT severity scores (Pan et al., Radiology 2020)",
    cost="cheap",
)
def lesion_upper_share(scene: Scene) -> float:
    """Share beyond the lung's centre along z."""
    z, _ = centre_zx(scene.lung.runs)
    return share_above_z(scene.runs, z)


@feature(
    what=(
        "Mean over the lesion voxels inside the lung of the distance to the nearest place that is not "
        "lung, on a grid of about 2.5 mm."
    ),
    unit="mm",
    range="from about 2.5",
    good="neither",
    blind_to=(
        "Lesion outside the lung. Covid-19 lies at the pleura, other disease does not; vessels and "
        "airways that the lung mask leaves out count as borders."
    ),
    source="Peripheral distribution, as radiologists describe it (Bernheim et al., Radiology 2020)",
    cost="distance",
)
def lung_border_distance_mm(scene: Scene) -> float:
    """Mean depth in the lung."""
    return scene.coarse.mean_depth()


@feature(
    what=(
        "The share of lesion voxels that lie outside the lung mask by more than 5 mm, on a grid of about "
        "2.5 mm. Distances run between middles of blocks, and the lung reaches about half a block beyond "
        "the middle of its last: seen from its border the limit is 3 to 4 mm."
    ),
    good="low",
    blind_to=(
        "Errors at the pleura, on purpose: lung masks and lesion masks disagree there by a few mm in good "
        "cases."
    ),
    source="The paper's outlook: lesions within lungs, with the border's uncertainty taken out",
    cost="distance",
)
def outside_lung_5mm_share(scene: Scene) -> float:
    """Share beyond 5 mm from the lung."""
    return scene.coarse.share_beyond(5.0)
