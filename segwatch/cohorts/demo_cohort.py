"""Makes the demo cohort: phantoms, segmented by the demo model, measured as the product measures.

Lung masks and measures are the product's own, at the product's grid. Truth serves for the Dice alone, which
is taken at native resolution.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segwatch.arrays import Flags
from segwatch.cohorts.demo_cases import DemoCase
from segwatch.cohorts.write_table import SUFFIXES, table_of, write_table
from segwatch.contracts.identity import digest_of
from segwatch.errors import RefusedCohort
from segwatch.features.measuring import measure
from segwatch.features.registry import PAPER4, versions_of
from segwatch.files import finished_rows
from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.segmenter import LesionPredictor, lung_of
from segwatch.volumes.grid import grid_geometry, resample_ct, resample_mask
from segwatch.volumes.image import Volume

Row = dict[str, Any]


def make_cohort(
    cases: Sequence[DemoCase], out: Path, model: LesionPredictor, done: Callable[[], None]
) -> int:
    """Write the table `out` of all cases, in their order; returns how many rows it has.

    Rows lie beside `out` as they come, so that a run that was stopped goes on where it was.

    Raises:
        RefusedCohort: `out` is neither .csv nor .parquet.
    """
    if out.suffix not in SUFFIXES:
        raise RefusedCohort(f"{out} must end in .csv or .parquet")
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.rows")
    origin = [model.identity.sha256, versions_of(PAPER4)]
    rows = {}
    finished = finished_rows(unfinished).resume(
        cases,
        lambda case: digest_of([*origin, asdict(case)]),
        lambda missing: ((case, measured_case(case, model)) for case in missing),
    )
    for case, row in finished:
        rows[case.name] = row
        done()
    ordered = [rows[case.name] for case in cases]
    write_table(out, table_of(ordered, ordered[0]))
    shutil.rmtree(unfinished)
    return len(cases)


def measured_case(case: DemoCase, model: LesionPredictor) -> Row:
    """One row: the case's true Dice, and the measures of the predicted mask, None where undefined."""
    phantom = make_phantom(case.seed, case.scanner)
    geometry = phantom.geometry
    lesion = model.predict(phantom.ct, geometry.spacing_zyx_mm).mask
    lung = lung_of(Volume(phantom.ct, geometry), "hu", None, None).mask
    measures = measure(
        resample_ct(phantom.ct),
        resample_mask(lesion),
        None if lung is None else resample_mask(lung),
        grid_geometry(geometry).spacing_zyx_mm,
        ct_unit="hu",
        features=PAPER4,
    )
    return {
        "case": case.name,
        "patient": case.patient,
        "set": case.set_name,
        "dice": true_dice(lesion, phantom.lesion),
        **measures.features,
    }


def true_dice(predicted: Flags, truth: Flags) -> float:
    """The Dice of a predicted mask; 0 where it is empty and the truth is not.

    Raises:
        RefusedCohort: both are empty, so there is no Dice.
    """
    together = int(predicted.sum()) + int(truth.sum())
    if not together:
        raise RefusedCohort("a case without lesion, in truth and in prediction, has no Dice")
    return 2 * int((predicted & truth).sum()) / together
