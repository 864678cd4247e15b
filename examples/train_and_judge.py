"""Train a scorer on a table of measured masks with known Dice, and judge it on patients that it has not seen.

    python examples/train_and_judge.py [--table cohort.csv] [--out BUNDLE]

Without a table one is made of phantoms: `case,patient,set,dice` and a column a feature, which is what your
own must look like. `segwatch train` and `segwatch evaluate` do the same from a shell, with an interval for
every figure. Needs the extra `evaluation`.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np

import segwatch
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.features.profiles import FeatureOptions

PATIENTS, TESTED = 45, 15


def write_phantom_table(path: Path) -> None:
    """Two masks each of 45 phantoms, spoiled more or less; the last 15 patients are the set `test`.

    A mask is the truth, but on some slices it is all that is dense in the lung, and in a lung that is out of
    place. Arrays are (z, y, x).
    """
    rows = []
    for seed in range(PATIENTS):
        phantom = segwatch.make_phantom(seed, shape=(16, 64, 64))
        astray = np.roll(phantom.lung, 4, axis=2) & (phantom.ct > -650)
        draw = np.random.default_rng(seed)
        for number in range(2):
            wrong = draw.random(16) < draw.random()
            mask = np.where(wrong[:, None, None], astray, phantom.lesion)
            measures = segwatch.measure(phantom.ct, mask, phantom.lung, phantom.geometry.spacing_zyx_mm)
            both = np.count_nonzero(mask & phantom.lesion)
            rows.append(
                {
                    "case": f"phantom-{seed}-{number}",
                    "patient": f"phantom-{seed}",
                    "set": "train" if seed < PATIENTS - TESTED else "test",
                    "dice": 2 * both / (np.count_nonzero(mask) + np.count_nonzero(phantom.lesion)),
                    **measures.features,
                }
            )
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)  # a measure without value is None, so its cell is empty


def scores_of(cohort: segwatch.Cohort, scorer: segwatch.Scorer) -> list[segwatch.Score]:
    """What the scorer, as it would be served, says of each row."""
    scores = []
    for row in cohort.values:
        features = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(cohort.features, row, strict=True)
        }
        undefined = {name: "no value in the table" for name, value in features.items() if value is None}
        measures = segwatch.Measures("measured", features, undefined, FeatureOptions(), "hu")
        scores.append(segwatch.score(measures, scorer))
    return scores


def judge(cohort: segwatch.Cohort, scorer: segwatch.Scorer) -> None:
    """Print how good the scorer is on a cohort's test set, beside a guess that looks at nothing."""
    train, test = cohort.of_set("train"), cohort.of_set("test")
    scores = scores_of(test, scorer)
    truly = test.dice < FAILED_BELOW
    said = np.array([score.predicted_failed for score in scores])
    pairs = [
        (score.predicted_dice, dice)
        for score, dice in zip(scores, test.dice, strict=True)
        if score.predicted_dice is not None
    ]
    error = np.mean([abs(predicted - dice) for predicted, dice in pairs])
    guess = np.mean(np.abs(train.dice.mean() - test.dice))
    print(f"{len(test)} masks of {len(set(test.patients))} patients that the scorer has not seen:")
    print(f"  {np.count_nonzero(truly & said)} of {np.count_nonzero(truly)} failed masks were found")
    print(f"  {np.count_nonzero(~truly & said)} of {np.count_nonzero(~truly)} good ones were called failed")
    print(
        f"  mean error of the predicted Dice {error:.3f}; guessing the training mean each time: {guess:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, help="case, patient, set, dice and a column a feature")
    parser.add_argument("--out", type=Path, help="where the scorer is written; nowhere that stays without it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = given.table or Path(folder) / "cohort.csv"
        if given.table is None:
            write_phantom_table(table)
        out = given.out or Path(folder) / "scorer"
        cohort = segwatch.read_cohort(table)
        trained = segwatch.train(cohort, "lr", "paper4", limits=("Made by an example: never for patients.",))
        card = f"# {trained.manifest.name}\n\nMade by examples/train_and_judge.py.\n"
        identity = segwatch.save_scorer(out, trained.skops, trained.manifest, card)
        print(f"trained {identity.name} on {len(trained.rows)} masks; sha256 {identity.sha256[:12]}…")
        judge(cohort, segwatch.load_scorer(out))


if __name__ == "__main__":
    main()
