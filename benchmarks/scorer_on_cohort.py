"""The scorer of the real cohort, each patient left out: the figures of docs/scoring.md.

    python -m benchmarks.scorer_on_cohort --tables FOLDER [--model boost --features any-hand --target 0.85]

FOLDER is what `python -m research make` wrote. Trained on masks measured with the product's lung and with the
expert's: predictions of small networks, published masks and variants of them, truths and damaged truths;
`--networks-only` leaves out all but the first, which is how a scorer that fails for good masks was made.
Every figure with its 95 % interval over patients. Some minutes.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from segwatch.cohorts.table import Cohort, read_cohort, stacked
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.statistics.conformal import worst_patient
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.figures import figures
from segwatch.statistics.resampling import patient_intervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.adapt import CORRECTIONS
from segwatch.training.burden import burden_interval, burden_rows, foreseen, gain_of, share_covered
from segwatch.training.feature_sets import feature_set
from segwatch.training.good_masks import tried_on_good_masks
from segwatch.training.leave_patient_out import leave_patient_out
from segwatch.training.train import Choices

COHORTS = ("covid20", "covid20-expert-lung")
PUBLISHED = ("published", "published-expert-lung")
TRUTHS = ("truths", "truths-expert-lung")
EXTERNAL = ("external", "external-expert-lung")
SHOWN = ("auroc", "sensitivity", "binary_specificity", "mae")
LOCAL = 7
HALVES = 500


def main() -> None:
    """Print the figures of each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--model", default="boost")
    parser.add_argument("--features", default="any-hand")
    parser.add_argument("--target", type=float, default=0.85)
    parser.add_argument("--networks-only", action="store_true")
    told = parser.parse_args()
    names = (*COHORTS, *PUBLISHED, *TRUTHS, *EXTERNAL)
    tables = {name: read_cohort(told.tables / f"{name}.parquet") for name in names}
    known = COHORTS if told.networks_only else (*COHORTS, *PUBLISHED, *TRUTHS)
    learnt = stacked({name: tables[name] for name in known})
    every = stacked(tables)
    choices = Choices(resamples=0, target_sensitivity=told.target)
    _, made = leave_patient_out(learnt, told.model, told.features, also=every, choices=choices)
    if made is None:
        raise SystemExit("nothing was scored")
    for lung, expert in (("the product's lung", False), ("the expert's lung", True)):
        chosen = (np.char.find(every.cases, "-expert-lung") >= 0) == expert
        chosen &= every.sets == "train"
        rows, judged = every.rows(chosen), made.judged.rows(chosen)
        print(f"all masks, {lung}: {len(rows)}")
        print(f"  {in_words(judged, rows)}")
        print(f"  {intervals(judged, made.intervals.rows(chosen), rows)}")
        print(f"  {outside(judged, made.intervals.rows(chosen))}")
        there = np.isfinite(judged.predicted)
        print(f"  {tried_on_good_masks(rows.rows(there), judged.predicted[there], judged.flagged[there])}")
    print(f"error of the lesion's share of the lung, {share_of_lung(learnt, told.features)}")
    for name in tables:
        chosen = np.char.endswith(every.cases, f"@{name}")
        rows = every.rows(chosen)
        judged, served = made.judged.rows(chosen), made.intervals.rows(chosen)
        print(f"{name}: {len(rows)} masks")
        print(f"  all: {in_words(judged, rows)}")
        if name not in EXTERNAL:
            better = rows.dice >= 0.3
            print(f"  Dice of .3 or more: {in_words(judged.rows(better), rows.rows(better))}")
            print(f"  {intervals(judged, served, rows)}")
        else:
            print(f"  {local(judged, rows)}")


def in_words(judged: Judged, rows: Cohort) -> str:
    """The figures with their intervals."""
    found, spread = figures(judged), patient_intervals(judged, rows.patients)
    told = [f"{n} {found[n]:.3f} {np.round(spread[n] or (), 2)}" for n in SHOWN if found[n] is not None]
    return ", ".join(
        [*told, f"good ones flagged {int((judged.flagged & (judged.dice >= FAILED_BELOW)).sum())}"]
    )


def intervals(judged: Judged, served: DiceIntervals, rows: Cohort) -> str:
    """Width and coverage of the 80 % intervals of studies that are not outside, whose interval is everything;
    errors a patient, how far predictions follow the truth.
    """
    there = np.isfinite(judged.predicted)
    truth, predicted, patients = rows.dice[there], judged.predicted[there], rows.patients[there]
    inside = ~served.outside[there]
    low, high = served.low[there][inside], served.high[there][inside]
    hits = ((low <= truth[inside]) & (truth[inside] <= high)).astype(np.float64)
    errors = [float((predicted - truth)[patients == name].mean()) for name in np.unique(patients)]
    slope = float(np.polyfit(truth, predicted, 1)[0])
    worst = worst_patient(hits, patients[inside])
    return (
        f"interval ±{(high - low).mean() / 2:.3f}, coverage {hits.mean():.2f}, worst patient {worst:.2f}; "
        f"outside {int(served.outside.sum())}; mean error a patient {np.abs(errors).mean():.3f}, at most "
        f"{np.abs(errors).max():.3f}; a fall of .2 moves it by {0.2 * slope:.2f}"
    )


def outside(judged: Judged, served: DiceIntervals) -> str:
    """How often a study is outside where the prediction is wrong, where it is right, and well right."""
    error = np.abs(judged.predicted - judged.dice)
    groups = {"errs by more than .3": error > 0.3, "more than .2": error > 0.2, "less than .1": error < 0.1}
    told = [
        f"{served.outside[rows].mean():.0%} where it {name} ({rows.sum()})" for name, rows in groups.items()
    ]
    return f"outside {served.outside.mean():.0%} of all, {', '.join(told)}"


def share_of_lung(learnt: Cohort, features: str) -> str:
    """The second target, each patient left out."""
    chosen = feature_set(features)
    raw = learnt.select(chosen.features)
    read = chosen.prepare(raw)
    rows = burden_rows(raw, read)
    if rows is None:
        return "not measurable"
    patients = raw.patients[rows.known]
    made = foreseen(rows, np.unique(patients, return_inverse=True)[1])
    gain = gain_of(rows.error, made, patients)
    held = share_covered(burden_interval(rows, made, patients), rows.share, rows.error - made.error)
    return (
        f"{len(made.error)} masks: MAE {gain.mae:.2f} points, constant {gain.mae_constant:.2f}, gain "
        f"{gain.gain:.2f} [{gain.low:.2f}, {gain.high:.2f}], intervals hold {held:.2f}"
    )


def local(judged: Judged, rows: Cohort) -> str:
    """Random halves: some patients correct the Dice of the others. Mean over halves."""
    generator = np.random.default_rng(0)
    names = np.unique(rows.patients)
    errors: dict[str, list[float]] = {name: [] for name in (*CORRECTIONS, "constant")}
    ranks = []
    for _ in range(HALVES):
        known = np.isin(rows.patients, generator.permutation(names)[:LOCAL])
        truth, predicted = judged.dice[~known], judged.predicted[~known]
        for name, correction in CORRECTIONS.items():
            offset, scale = correction(judged.predicted[known], judged.dice[known])
            errors[name].append(float(np.abs(np.clip(offset + scale * predicted, 0, 1) - truth).mean()))
        errors["constant"].append(float(np.abs(judged.dice[known].mean() - truth).mean()))
        ranks.append(spearmanr(predicted, truth).statistic)
    told = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in errors.items())
    return (
        f"{LOCAL} patients as local labels, MAE on the others: {told}; rank correlation {np.mean(ranks):.2f}"
    )


if __name__ == "__main__":
    main()
