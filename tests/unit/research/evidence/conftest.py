"""Tables as `python -m research make` writes them, made up: features that follow the Dice."""

import numpy as np
import pytest

from segwatch.cohorts.write_table import table_of, write_table
from segwatch.features.registry import ALL, CATALOGUE

PATIENTS, EACH = 7, 8


def write(path, rows):
    write_table(path, table_of(rows, rows[0]))


def rows(of_set: str, each: int, seed: int, *, given: bool, lung: float, least: float = 0.02):
    """Rows of 7 patients; `lung` is how far the features of the lung are blurred, `least` the lowest Dice."""
    draw = np.random.default_rng(seed)
    for patient in range(PATIENTS):
        for number in range(each):
            dice = float(draw.uniform(0.65 if of_set == "external" else least, 0.95))
            values = {}
            for place, name in enumerate(ALL):
                blur = lung if CATALOGUE[name].card.cost == "lung" else 0.15
                share = np.clip(dice + blur * draw.standard_normal(), 0.02, 0.98)
                scale = 1 + 30 * (place % 3)
                values[name] = float(scale * (1 - share if CATALOGUE[name].card.good == "low" else share))
                if CATALOGUE[name].card.unit == "1":
                    values[name] = float(values[name] / scale)
                if CATALOGUE[name].card.cost == "given" and not given:
                    values[name] = None
            case = f"{of_set}-{patient}-{number}"
            whose = {"case": case, "patient": f"p{patient}", "set": of_set}
            yield {**whose, "dice": dice, **values, "status": "measured", "undefined": "{}"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort")
    for lung, blur in (("", 0.3), ("-expert-lung", 0.1)):
        cohort = list(rows("train", EACH, 1, given=True, lung=blur))
        write(out / f"covid20{lung}.parquet", cohort)
        write(out / f"external{lung}.parquet", list(rows("external", 2, 2, given=False, lung=blur)))
        write(out / f"published{lung}.parquet", list(rows("train", 2, 3, given=False, lung=blur, least=0.65)))
        truths = list(rows("train", 3, 4, given=False, lung=blur, least=0.5))
        for truth in truths[::3]:
            truth["dice"] = 1.0
        write(out / f"truths{lung}.parquet", truths)
    made = [
        {
            "case": row["case"],
            "made_by": ("coarse", "fine")[place % 2],
            "made_seen": float(place % 3 == 0),
            "made_changes": ("none", "noise:0.4", "gamma:0.1+part:0.7")[place % 3],
        }
        for place, row in enumerate(cohort)
    ]
    write(out / "covid20-made.parquet", made)
    return out
