"""One prediction's row: measured as `segwatch measure --ct-unit display` measures it, with its true Dice."""

import json
from typing import Any

import numpy as np

from research.covid20_cohort.covid20 import WHITE, Scan
from segwatch.cohorts.demo_cohort import true_dice
from segwatch.contracts.studies import MaskProbabilities
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.registry import CATALOGUE
from segwatch.features.scene import NativeMask, Scene
from segwatch.segmentation.segmenter import lung_without_model
from segwatch.volumes.grid import GRID, resample_ct, resample_mask
from segwatch.volumes.hounsfield import in_hounsfield
from segwatch.volumes.image import Array, Mask

MeasuredRow = dict[str, Any]


def hounsfield(scan: Scan) -> Array:
    """The scan's display values as the product maps them to HU (z, y, x)."""
    return in_hounsfield(np.rint(scan.levels * WHITE).astype(np.int16), "display", "scan").array


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
    spacing = scan.spacing
    ratio = [size / count for size, count in zip(hu.shape, GRID, strict=True)]
    z, y, x = (step * part for step, part in zip(spacing, ratio, strict=True))
    scene = Scene(
        ct=resample_ct(hu),
        lesion=_on_grid(lesion),
        given_lung=None if lung is None else _on_grid(lung),
        spacing=(z, y, x),
        ct_unit="display",
        given_native=NativeMask(BinaryMask(np.ascontiguousarray(lesion).view(np.uint8)), spacing),
        given=probabilities,
    )
    return measure_scene(scene, [CATALOGUE[name] for name in features])


def row_of(scan: Scan, lesion: Mask, measures: Measures) -> MeasuredRow:
    """What a table says of a prediction beside whose it is."""
    return {
        "dice": true_dice(lesion, scan.truth),
        **measures.features,
        "status": measures.status,
        "undefined": json.dumps(measures.undefined),
    }


def _on_grid(mask: Mask) -> BinaryMask:
    return BinaryMask(resample_mask(mask).view(np.uint8))
