"""One prediction's row: measured as `segwatch measure --ct-unit display` measures it, with its true Dice."""

import json
from typing import Any

import numpy as np

from research.covid20_cohort.covid20 import WHITE, Scan
from segwatch.cohorts.columns import TRUTH_SHARE
from segwatch.cohorts.demo_cohort import true_dice
from segwatch.contracts.studies import MaskProbabilities
from segwatch.features.lesion_share import share_of_lung
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.on_grid import mask_on_grid, scene_on_grid
from segwatch.features.registry import CATALOGUE
from segwatch.segmentation.segmenter import lung_without_model
from segwatch.volumes.hounsfield import in_hounsfield
from segwatch.volumes.image import Array, Mask

MeasuredRow = dict[str, Any]


def hounsfield(scan: Scan) -> Array:
    """The scan's display values as the product maps them to HU (z, y, x)."""
    return in_hounsfield(np.rint(scan.levels * WHITE).astype(np.int16), "display", "scan")[0]


def product_lung(hu: Array, spacing: tuple[float, float, float]) -> Mask | None:
    """The product's lung mask without weights, from the scan as it came; None where it finds none."""
    return lung_without_model(hu, "display", spacing)


def measures_of(
    scan: Scan,
    hu: Array,
    lesion: Mask,
    lung: Mask | None,
    probabilities: MaskProbabilities | None,
    features: tuple[str, ...],
) -> Measures:
    """The measures on the product's grid, exactly as files give them."""
    scene = scene_on_grid(hu, lesion, lung, scan.spacing, "display", probabilities)
    return measure_scene(scene, [CATALOGUE[name] for name in features])


def row_of(scan: Scan, lesion: Mask, lung: Mask | None, measures: Measures) -> MeasuredRow:
    """What a table says of a prediction beside whose it is."""
    return {
        "dice": true_dice(lesion, scan.truth),
        TRUTH_SHARE: None if lung is None else share_of_lung(mask_on_grid(scan.truth), mask_on_grid(lung)),
        **measures.features,
        "status": measures.status,
        "undefined": json.dumps(measures.undefined),
    }
