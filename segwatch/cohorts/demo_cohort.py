"""Makes the demo cohort: phantoms, segmented by the demo model, measured as the product measures.

Lung masks and measures are the product's own, at the product's grid. Truth serves for the Dice alone, which
is taken at native resolution.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from segwatch.arrays import Flags
from segwatch.cohorts.demo_cases import DemoCase
from segwatch.cohorts.write_table import SUFFIXES, table_of, write_table
from segwatch.contracts.identity import digest_of
from segwatch.errors import RefusedCohort
from segwatch.features.measuring import measure
from segwatch.features.registry import PAPER4
from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.segmenter import LesionPredictor, lung_of
from segwatch.volumes.grid import grid_geometry, resample_ct, resample_mask
from segwatch.volumes.image import Volume

Row = Mapping[str, str | float | None]


def make_cohort(
    cases: Sequence[DemoCase], out: Path, model: LesionPredictor, done: Callable[[], None]
) -> int:
    """Write the table `out` of all cases, in their order; returns how many rows it has.

    Rows are kept beside `out` as they come, so that a run that was stopped goes on where it was; the file's
    name carries the plan and the model, so that rows of another plan are never taken for this one's.

    Raises:
        RefusedCohort: `out` is neither .csv nor .parquet.
    """
    if out.suffix not in SUFFIXES:
        raise RefusedCohort(f"{out} must end in .csv or .parquet")
    out.parent.mkdir(parents=True, exist_ok=True)
    plan = digest_of([model.identity.sha256, [asdict(case) for case in cases]])
    kept = out.with_name(f".{out.name}.{plan[:16]}.rows")
    rows = _kept_rows(kept)
    with kept.open("a") as file:
        for case in cases:
            if case.name not in rows:
                rows[case.name] = measured_case(case, model)
                file.write(json.dumps(rows[case.name]) + "\n")
                file.flush()
            done()
    ordered = [rows[case.name] for case in cases]
    write_table(out, table_of(ordered, ordered[0]))
    kept.unlink()
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


def _kept_rows(kept: Path) -> dict[str, Row]:
    """The rows of a run that was stopped. A last line that was cut off is cut away."""
    if not kept.exists():
        return {}
    whole = kept.read_text().rpartition("\n")[0]
    kept.write_text(f"{whole}\n" if whole else "")
    return {row["case"]: row for row in map(json.loads, whole.splitlines())}
