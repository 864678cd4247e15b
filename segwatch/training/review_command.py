"""`segwatch review sample`, once it is called: chooses studies to review, and writes a sheet for that."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.cohorts.columns import KEYS
from segwatch.cohorts.reviews import CATEGORIES, SITE
from segwatch.cohorts.table import Cohort, read_measures
from segwatch.cohorts.write_table import table_of, write_table
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import SCORED
from segwatch.errors import BadInput, RefusedCohort
from segwatch.files import whole_folder
from segwatch.scoring.bundle import load
from segwatch.serving.last_scores import last_scores
from segwatch.statistics.poststratified import chosen_for_review
from segwatch.streaming.operator import connected
from segwatch.terminal import say
from segwatch.training.scored_table import scores_of

SHEET, STUDIES = "sheet.csv", "studies.csv"


def sample_reviews(bundle: Path, studies: Path | None, last: int, number: int, seed: int, out: Path) -> None:
    """Write the sheet, and the measures of all the studies that it was chosen from.

    The sheet does not say what was flagged: who reviews should not know.

    Raises:
        BadInput: the folder is there; no studies; or they lack what the scorer reads.
    """
    if out.exists():
        raise BadInput(f"{out} is there already, and may hold reviews: name a new folder")
    scorer = load(bundle)
    rows = _scored_last(last) if studies is None else read_measures(studies)
    flagged = np.array([score.needs_attention for score in scores_of(scorer, rows)], dtype=np.bool_)
    chosen = chosen_for_review(flagged, number, seed)
    with whole_folder(out) as folder:
        sheet = [{"case": case, "review": "", "remark": ""} for case in rows.cases[chosen].tolist()]
        write_table(folder / SHEET, table_of(sheet, ("case", "review", "remark")))
        write_table(folder / STUDIES, table_of(_rows(rows), (*KEYS, *rows.features)))
    say(
        f"{out / SHEET}: {len(chosen)} of {len(rows)} studies to review, {int(flagged[chosen].sum())} of the "
        f"{int(flagged.sum())} flagged ones among them. In the column review write "
        f"{', '.join(CATEGORIES)}, or the Dice. Then:\n"
        f"segwatch calibrate --bundle {bundle} --reviews {out / SHEET} --studies {out / STUDIES} --out SITE"
    )


def _scored_last(last: int) -> Cohort:
    with connected() as log:
        scored = last_scores(log)[-last:]
    if not scored:
        raise RefusedCohort(f"{SCORED} holds no study yet")
    return studies_scored(scored)


def studies_scored(scored: Sequence[StudyScored]) -> Cohort:
    """The measures of scored studies, without Dice: those that every one of them was scored with."""
    names = tuple(name for name in scored[0].features if all(name in each.features for each in scored))
    values = [[_value(each.features, name) for name in names] for each in scored]
    return Cohort(
        np.array([each.study for each in scored], dtype=np.str_),
        np.array([each.patient for each in scored], dtype=np.str_),
        np.full(len(scored), SITE),
        np.full(len(scored), np.nan),
        names,
        np.array(values, dtype=np.float64).reshape(len(scored), len(names)),
    )


def _value(features: Mapping[str, float | None], name: str) -> float:
    value = features[name]
    return np.nan if value is None else value


def _rows(rows: Cohort) -> list[dict[str, Any]]:
    """As a table has them: what is undefined is an empty cell."""
    keys = zip(rows.cases.tolist(), rows.patients.tolist(), rows.sets.tolist(), strict=True)
    return [
        {**dict(zip(KEYS, key, strict=True)), **_defined(rows.features, values)}
        for key, values in zip(keys, rows.values.tolist(), strict=True)
    ]


def _defined(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return {name: value for name, value in zip(names, values, strict=True) if not np.isnan(value)}
