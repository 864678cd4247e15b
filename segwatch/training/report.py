"""What `train` reports of a scorer: tables in the form of the paper's Table 2, and the model card.

The card says what a scorer is for, what it was made from, how good it was, and its limits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from segwatch.cohorts.columns import TRUTH_SHARE
from segwatch.cohorts.table import Cohort
from segwatch.scoring.interval import Interval
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.second_target import MASK_SHARE, Burden
from segwatch.scoring.threshold import Threshold
from segwatch.statistics.figures_table import figures_table
from segwatch.statistics.resampling import RESAMPLES
from segwatch.statistics.set_figures import BESIDE_TABLE2, TABLE2, SetFigures, cell, set_figures
from segwatch.statistics.verdicts import Judged
from segwatch.training.burden import TrainedBurden
from segwatch.training.models import EVERY

NOTE = (
    "In brackets 95 % intervals over the set's patients, the model kept. The micro-averaged bin specificity "
    "is 0.75 + accuracy / 4, so 0.75 is its floor. Undefined studies count as failed and are left out of "
    "MAE. 'constant mean' and 'all flagged' look at nothing."
)
SHOWN = ("sensitivity", "binary_specificity", "auroc", "accuracy", "bin_specificity_micro", "mae")
"""The card's figures."""


@dataclass(frozen=True)
class ReportRow:
    """One set under one way of judging."""

    set_name: str
    way: str
    figures: SetFigures


def report(
    judged: Mapping[tuple[str, str], tuple[Judged, Cohort]], resamples: int = RESAMPLES
) -> Sequence[ReportRow]:
    """The rows, in the order of `judged`."""
    return [
        ReportRow(name, way, set_figures(made, rows.patients, resamples))
        for (name, way), (made, rows) in judged.items()
    ]


def tables(rows: Sequence[ReportRow], scorer: str) -> tuple[Table, Table]:
    """Table 2 in the paper's form, and what it cannot show, of the same rows."""
    sections: dict[str, dict[str, SetFigures]] = {}
    for row in rows:
        sections.setdefault(row.set_name, {})[row.way] = row.figures
    return (
        figures_table(sections, ("n", *TABLE2), f"{scorer}: Table 2"),
        figures_table(sections, BESIDE_TABLE2, f"{scorer}: beside Table 2", NOTE),
    )


def model_card(manifest: ScorerManifest, rows: Sequence[ReportRow]) -> str:
    """The card. Its figures are those that `segwatch train` prints."""
    table = f"| set | judged | n | failed | undefined | {' | '.join(SHOWN)} |"
    parts = [
        [f"# {manifest.name}", "", manifest.intended_use],
        [paging_words(manifest)],
        *([[opinion_words(manifest)]] if manifest.opinion else []),
        ["## What it is", "", *(f"- {line}" for line in _about(manifest))],
        ["## Figures", "", NOTE, "", table, "|" + "---|" * (5 + len(SHOWN)), *map(_row, rows)],
        ["## Limits", "", *(f"- {limit}" for limit in manifest.limits)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


NOT_FOUND_UNFIT = (
    "Not found unfit for paging on patients left out: whether it is fit, patients of your own show."
)


def paging_words(manifest: ScorerManifest) -> str:
    """Whether the scorer may page anybody, and what it said of good masks and truths of patients left out."""
    unfit, tried = manifest.unfit_for_paging, manifest.good_masks
    words = [f"**Unfit for paging**: {'; '.join(unfit)}." if unfit else NOT_FOUND_UNFIT]
    if tried is not None and tried.specificity is not None:
        worst = "" if tried.worst_patient is None else f" ({tried.worst_patient:.0%} of the worst patient's)"
        words.append(
            f"Of good masks of patients left out {tried.specificity:.0%} pass, the mean over "
            f"{tried.patients} patients{worst}."
        )
    if tried is not None and tried.truth_dice is not None and tried.truths_flagged is not None:
        ranks = tried.truths_outranked
        above = "" if ranks is None else f", and {ranks:.0%} of good predictions rank above them"
        words.append(
            f"{tried.truths} truths given as masks are predicted {tried.truth_dice:.2f} on average, "
            f"{tried.truths_flagged:.0%} are flagged{above}."
        )
    return " ".join(words)


def opinion_words(manifest: ScorerManifest) -> str:
    """What the second opinion adds that the scorer reads, and what becomes of studies without one."""
    worth = manifest.opinion
    if worth is None:
        return ""
    gain = worth.gain
    dice = "" if worth.dice is None else f", whose Dice with the truths among the masks is {worth.dice:.2f}"
    return (
        f"It reads the second opinion of {worth.model.name} (sha256 `{worth.model.sha256}`){dice}. On "
        f"patients left out that adds {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] to an AUROC of "
        f"{worth.auroc_without:.3f}. A study without it, or with another model's, is scored by the scorer in "
        "`without_opinion/`, and its score says so."
    )


def burden_words(second: TrainedBurden | None) -> str:
    """How the second target fared on patients left out, and whether it is in the bundle."""
    if second is None:
        return (
            "No second target: the error of the lesion's share of the lung takes the column "
            f"{TRUTH_SHARE}, and the feature {MASK_SHARE} in the set."
        )
    gain = second.gain
    tried = (
        f"Error of the lesion's share of the lung on patients left out: {gain.mae:.2f} points, a constant "
        f"{gain.mae_constant:.2f}; the gain is {gain.gain:.2f} [{gain.low:.2f}, {gain.high:.2f}]"
    )
    if second.part is None:
        return f"{tried}, which is not sure: it is not in the bundle."
    return f"{tried}. It is in the bundle; its 80 % interval held {second.part.covered:.0%}."


def _about(manifest: ScorerManifest) -> Iterator[str]:
    cohort, threshold, interval = manifest.cohort, manifest.threshold, manifest.interval
    yield f"Model: {EVERY[manifest.model].title} ({manifest.kind}), seed {manifest.seed}."
    yield (
        f"Features, in order: {', '.join(manifest.feature_names)}; measured with profile "
        f"{manifest.measured.profile}, components {manifest.measured.components}."
    )
    yield (
        f"Trained on {cohort.studies} studies of {cohort.patients} patients, {cohort.failed} of them failed, "
        f"mean Dice {cohort.mean_dice:.3f}; {cohort.left_out_undefined} undefined studies left out. "
        f"Cohort sha256 `{cohort.sha256}`."
    )
    yield f"Calibration: {manifest.calibration.method}, on patients held out."
    yield (
        f"A study is predicted failed from a failure probability of {threshold.failure_probability:.3f} on "
        f"({_reason(threshold)}). Over patients held out that has a sensitivity of "
        f"{threshold.cross_validated_sensitivity:.2f} and a specificity of "
        f"{threshold.cross_validated_specificity:.2f}, on the studies it was chosen on."
    )
    yield (
        f"The interval of a predicted Dice, {interval.low:+.3f} to {interval.high:+.3f}, covers "
        f"{interval.coverage:.0%}{_bands(interval)}."
    )
    if interval.site is not None:
        yield (
            f"That interval is weighted to a site, by the measures of {interval.site.studies} of its studies "
            f"(sha256 `{interval.site.sha256}`); no Dice of theirs was read. The training rows then amount "
            f"to {interval.site.effective:.0f}. It holds there as far as masks that measure alike err alike."
        )
    if manifest.terms:
        made = "; ".join(f"{term.name} = {term.formula}({', '.join(term.of)})" for term in manifest.terms)
        yield f"The model reads: {made}."
    if manifest.burden is not None:
        yield _burden(manifest.burden)
    doubt = manifest.outside.doubt
    where = (
        ""
        if doubt is None
        else (
            f", or where the scorer must expect an error above {doubt.bound:.2f} of itself (rank correlation "
            f"with the errors on patients left out: {doubt.followed:.2f})"
        )
    )
    yield f"A study is outside beyond a Mahalanobis distance of {manifest.outside.bound:.2f}{where}."


def _burden(part: Burden) -> str:
    return (
        "Second target, the truth's lesion share of the lung less the mask's, in percentage points: mean "
        f"absolute error {part.mae:.2f} on patients held out, a constant's {part.mae_constant:.2f}; the gain "
        f"is {part.gain:.2f}, surely {part.gain_low:.2f} or more. Its {part.interval.coverage:.0%} interval "
        f"held {part.covered:.0%}, on the studies it was made of."
    )


def _row(row: ReportRow) -> str:
    of = row.figures
    start = f"| {row.set_name} | {row.way} | {of.n} | {of.failed} | {of.n_undefined} | "
    return start + " | ".join(str(cell(of, name)) for name in SHOWN) + " |"


def _reason(threshold: Threshold) -> str:
    if threshold.target_sensitivity is not None:
        return f"the highest that finds {threshold.target_sensitivity:.0%} of the failures"
    return f"the cheapest, where a miss costs {threshold.cost_of_a_miss:g} false alarms"


def _bands(interval: Interval) -> str:
    worst = interval.patients_worst
    patients = "" if worst is None else f"; the worst patient's coverage was {worst:.0%}"
    if not interval.bands:
        return patients
    each = ", ".join(f"{band.low:+.2f} to {band.high:+.2f} below {band.below:.2f}" for band in interval.bands)
    return f" on all; by predicted Dice it is {each}{patients}"
