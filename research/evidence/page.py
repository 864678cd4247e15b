"""Writes the evidence as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from research.evidence import page_words as words
from research.evidence.feature_worth import Worth
from research.evidence.figures import Estimate
from research.evidence.goals import Goal
from research.evidence.held_out_changes import Away, rows_by_change
from research.evidence.local_labels import Batches, Local
from research.evidence.other_segmenters import Carried, simplest
from research.evidence.tables import Making
from research.evidence.trials import Trial
from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.scoring.bins import COUNT, bin_of, failed
from segwatch.statistics.coverage import Coverage
from segwatch.training.calibration import TARGET_SENSITIVITY

BINS = ("< .2", ".2 to .4", ".4 to .6", ".6 to .8", "≥ .8")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def cohort_section(cohort: Cohort, external: Cohort, made: Sequence[Making]) -> str:
    """What the cohort consists of."""
    seen = np.array([row["made_seen"] == 1 for row in made])
    makers = np.array([str(row["made_by"]) for row in made])
    rows = [
        (title, len(rows), *_by_bin(rows))
        for title, rows in (
            ("all", cohort.dice),
            *((f"network `{name}`", cohort.dice[makers == name]) for name in np.unique(makers)),
            ("by a network that had not seen the patient", cohort.dice[~seen]),
            ("by one that had", cohort.dice[seen]),
            ("published masks (external)", external.dice),
        )
    ]
    change = [
        (name, len(dice), f"{dice.mean():.2f}", f"{np.mean(failed(dice)):.2f}")
        for name, changed in rows_by_change(made).items()
        if len(dice := cohort.dice[changed])
    ]
    return (
        f"\n## The cohort\n{len(cohort)} predictions of {len(set(cohort.patients.tolist()))} patients "
        f"(sha256 of the table: `{cohort.sha256()[:16]}…`), by small 2D U-Nets trained in four folds "
        "by patient, at four stages of training, under changes of the scan, thresholds, sub-volumes and "
        "flips. Measured as the product measures, on its grid, with its own lung mask.\n\n"
        + table(("masks", "n", *BINS), rows)
        + "\n"
        + table(("change of the scan", "n", "mean Dice", "failed"), change)
        + "\n![Dice of the cohort's masks](images/evidence-cohort.png)\n"
    )


def _by_bin(dice: Floats) -> list[int]:
    return [int(count) for count in np.bincount(bin_of(dice), minlength=COUNT)]


MEASURES = {
    "AUROC": "auroc",
    "AUROC, Dice ≥ .3": "auroc_from_0.3",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "MAE": "mae",
}


def scorers_section(
    rows: Sequence[tuple[str, dict[str, Estimate], int]],
    chosen: Sequence[tuple[str, Mapping[Trial, int]]],
) -> str:
    """Every scorer beside those that look at nothing, and those that were chosen for each patient."""
    body = (
        (title, *(found[name] for name in MEASURES.values()), undefined) for title, found, undefined in rows
    )
    return (
        "\n## Scorers, each patient left out\n"
        f"The threshold is set in training for a sensitivity of {TARGET_SENSITIVITY:g}. *Chosen without the "
        "patient*: for each patient the scorer is taken that errs least (MAE) on the other patients, or the "
        "simplest, the first in this table, that is within one standard error of it. Each of "
        "the others was scored, in training, by a model that had not seen them. So nothing of a patient "
        "reaches the choice of the scorer that judges them. "
        + " ".join(f"{what.capitalize()}: {_counted(patients)}." for what, patients in chosen)
        + "\n\n"
        + table(("scorer", *MEASURES, "undefined"), body)
        + "\n![Predicted against true Dice](images/evidence-scorers.png)\n"
    )


def _counted(patients: Mapping[Trial, int]) -> str:
    total = sum(patients.values())
    most = sorted(patients, key=lambda trial: -patients[trial])
    return ", ".join(f"{trial.title} for {patients[trial]} of {total} patients" for trial in most)


def external_section(
    rows: Sequence[tuple[str, dict[str, Estimate]]], local: Sequence[tuple[str, Sequence[Local]]]
) -> str:
    """Another segmenter's masks of the same patients."""
    body = ((title, *(found[name] for name in ("mae", "spearman", "flagged_good"))) for title, found in rows)
    halves = (
        (
            title,
            each.name,
            f"{each.mae:.3f} [{each.mae_low:.2f}, {each.mae_high:.2f}]",
            in_hundredths(each.spearman),
        )
        for title, found in local
        for each in found
    )
    return (
        "\n## Another segmenter: the published masks\nAll are good. Each is scored by a scorer that saw "
        "neither the patient nor this segmenter.\n\n"
        + table(("scorer", "MAE", "Spearman", "good masks flagged"), body)
        + "\nWith half of the patients as local labels, tested on the other half, over 200 random halves "
        "(2.5 to 97.5 percentiles of the halves). The constant is the labelled half's mean: what does not "
        "beat it has not shown that it tells these masks apart. *Chosen on the labelled half*: what errs "
        "least there when each patient is left out.\n\n"
        + table(("scorer", "correction", "MAE", "Spearman"), halves)
    )


def goals_table(goals: Sequence[Goal]) -> str:
    """Each goal, what was found, and whether that is enough."""
    return table(
        ("goal", "asked", "found", ""), ((goal.what, goal.asked, goal.found, goal.verdict) for goal in goals)
    )


def goals_section(goals: Sequence[Goal]) -> str:
    """What was asked for, and whether it is met."""
    met = sum(goal.met for goal in goals)
    return (
        f"\n## What was asked for: {met} of {len(goals)} met\n"
        "Two scorers are judged: one that reads mask and image features only, and one that reads "
        "segmentation's own outputs too. Their model and features were chosen for each patient on the other "
        "patients alone (see *Scorers* below), so the choice does not flatter these figures. Which were "
        "tried at all, and how, was settled while looking at these patients.\n\n" + goals_table(goals)
    )


def lung_section(
    rows: Sequence[tuple[str, dict[str, Estimate], dict[str, Estimate]]],
) -> str:
    """What the expert's lung knows."""
    body = (
        (title, lung, *(found[name] for name in ("auroc", "mae", "sensitivity", "specificity")))
        for title, own, expert in rows
        for lung, found in (("the product's", own), ("the expert's", expert))
    )
    return (
        "\n## What the lung mask is worth\nThe expert drew the lung knowing where the lesion is; a site has "
        "no such mask. Figures with it are what a perfect lung segmentation could reach.\n\n"
        + table(("scorer", "lung", "AUROC", "MAE", "sensitivity", "specificity"), body)
    )


def worth_section(groups: Sequence[Worth], features: Sequence[Worth]) -> str:
    """What is lost without each group, and each feature."""
    head = ("left out", "adds to MAE, cohort", "adds to MAE, across networks", "adds to MAE, external")
    group_rows = ((*_worth(each), f"{each.alone:.3f}") for each in groups)
    order = sorted(features, key=lambda each: -each.harm[0])
    return (
        "\n## Is every feature earned?\nExtremely randomised trees on all features, on the rows where all "
        "are defined, a fifth of the patients left out at a time. Above 0: the error grows without it. "
        "*Across networks*: learnt from one network's masks, judged on the other's.\n\n"
        + table((*head, "MAE by it alone"), group_rows)
        + "\n![What each group is worth](images/evidence-groups.png)\n\n"
        + table(head, (_worth(each) for each in order))
        + f"\nSurely earned here (interval above 0): {_names(features, lambda harm: harm[1] > 0)}. Surely "
        f"better left out of such trees (interval below 0): {_names(features, lambda harm: harm[2] < 0)}.\n"
        + words.KEPT
    )


def _names(features: Sequence[Worth], chosen: Callable[[tuple[float, float, float]], bool]) -> str:
    return ", ".join(f"`{each.name}`" for each in features if chosen(each.harm)) or "none"


def _worth(each: Worth) -> tuple[str, str, str, str]:
    outside = "–" if each.external is None else f"{each.external:+.4f}"
    return each.name, _added(each.harm), _added(each.between), outside


def _added(harm: tuple[float, float, float]) -> str:
    added, low, high = harm
    return f"{added:+.4f} [{low:+.4f}, {high:+.4f}]"


def networks_section(
    rows: Sequence[tuple[str, str, dict[str, Estimate]]], carrying: Sequence[Carried]
) -> str:
    """Trained on one segmenter's masks, tested on another's."""
    body = (
        (one, other, *(found[name] for name in ("auroc", "mae", "spearman"))) for one, other, found in rows
    )
    scorers = (
        (each.trial.title, each.everywhere["auroc"], each.everywhere["mae"], each.networks, each.published)
        for each in carrying
    )
    best, enough = simplest(carrying)
    return (
        "\n## Across segmenters\nTrees on all measured features, a fifth of the patients left out at a time, "
        "on both sides.\n\n"
        + table(("learnt from", "tested on", "AUROC", "MAE", "Spearman"), body)
        + "\nEvery scorer that reads mask and image features only, learnt from one network's masks, over all "
        "pairs with another segmenter, uncalibrated:\n\n"
        + table(("scorer", "AUROC", "MAE", "MAE, the other network", "MAE, published masks"), scorers)
        + f"\n{best.trial.title} errs least. The simplest, the first in the table, that is within its "
        f"interval is **{enough.trial.title}**: the default scorer.\n"
    )


def site_section(rows: Sequence[tuple[str, Batches]]) -> str:
    """Batches."""
    body = ((title, f"{seen.error:.3f} ({seen.error_90:.3f})", f"{seen.moved:.3f}") for title, seen in rows)
    return (
        "\n## What a site sees\nBatches of 20 masks of 7 patients: mean error of the batch's mean Dice (nine "
        "of ten are below the figure in brackets), and how far the predicted mean moves when the true one "
        "falls by 0.2.\n\n" + table(("scorer", "batch error", "moved"), body)
    )


_PLAIN = ("n", "outside", "half-width", "covered", "worst patient")
_WEIGHTED = ("rows", "half-width, weighted", "covered, weighted", "worst patient, weighted")


def intervals_section(
    like: Sequence[Away], published: Sequence[Away], changes: Sequence[Away], usual: str
) -> str:
    """How often intervals hold, on masks like the cohort's and on others."""
    return (
        words.INTERVALS
        + table(("masks", *_PLAIN), ((each.name, *covered_cells(each.plain)) for each in like))
        + words.OTHER_SEGMENTER
        + table(("masks", *_PLAIN, *_WEIGHTED), map(_both, published))
        + f"\n**Another scanner: each kind of change held out.** {usual} learnt from the masks of scans that "
        "were not changed so, of other patients. *None* is the scan as it came; a scan with two changes "
        "stands under both.\n\n" + table(("change", *_PLAIN, *_WEIGHTED), map(_both, changes))
    )


def _both(each: Away) -> tuple[object, ...]:
    rows = "–" if np.isnan(each.effective) else f"{each.effective:.0f}"
    n, _, width, covered, worst = covered_cells(each.weighted)
    fewer = f" (n = {n})" if 0 < each.weighted.n < each.plain.n else ""
    return (each.name, *covered_cells(each.plain), rows, width, f"{covered}{fewer}", worst)


def covered_cells(found: Coverage) -> tuple[object, ...]:
    """Of intervals: how many, how many outside, half width, how often they hold, and of the worst patient."""
    low, high = found.covered_ci or (None, None)
    covered = "–" if found.covered is None else f"{found.covered:.2f}"
    interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    width = "–" if found.half_width is None else f"± {found.half_width:.3f}"
    return (
        found.n,
        in_hundredths(found.outside),
        width,
        covered + interval,
        in_hundredths(found.worst_patient),
    )


def in_hundredths(value: float | None) -> str:
    """A share with two digits, or a dash."""
    return "–" if value is None else f"{value:.2f}"
