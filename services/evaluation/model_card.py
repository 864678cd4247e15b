"""A scorer's model card as Markdown: what it is for, what it was made from, how good it was, its limits."""

from collections.abc import Iterator, Sequence

from services.evaluation.models import MODELS
from services.evaluation.report import NOTE, Row
from services.scoring.manifest import ScorerManifest

SHOWN = ("sensitivity", "binary_specificity", "auroc", "accuracy", "bin_specificity_micro", "mae")


def model_card(manifest: ScorerManifest, rows: Sequence[Row]) -> str:
    """The card. Its figures are those that `segwatch train` prints."""
    table = f"| set | judged | n | failed | undefined | {' | '.join(SHOWN)} |"
    parts = [
        [f"# {manifest.name}", "", manifest.intended_use],
        ["## What it is", "", *(f"- {line}" for line in _about(manifest))],
        ["## Figures", "", NOTE, "", table, "|" + "---|" * (5 + len(SHOWN)), *map(_row, rows)],
        ["## Limits", "", *(f"- {limit}" for limit in manifest.limits)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _about(manifest: ScorerManifest) -> Iterator[str]:
    cohort, threshold, interval = manifest.cohort, manifest.threshold, manifest.interval
    yield f"Model: {MODELS[manifest.model].title} ({manifest.kind}), seed {manifest.seed}."
    yield (
        f"Features, in order: {', '.join(manifest.feature_names)}; measured with profile "
        f"{manifest.measured.profile}, components {manifest.measured.components}."
    )
    yield (
        f"Trained on {cohort.studies} studies of {cohort.patients} patients, {cohort.failed} of them failed, "
        f"mean Dice {cohort.mean_dice:.3f}; {cohort.left_out_undefined} undefined studies left out. "
        f"Cohort sha256 `{cohort.sha256}`."
    )
    yield (
        f"A study is predicted failed from a failure probability of {threshold.failure_probability:.3f} on. "
        f"Over patients held out that has a sensitivity of {threshold.cross_validated_sensitivity:.2f} and a "
        f"specificity of {threshold.cross_validated_specificity:.2f}, on the studies it was chosen on."
    )
    yield (
        f"The interval of a predicted Dice, {interval.low:+.3f} to {interval.high:+.3f}, covers "
        f"{interval.coverage:.0%}."
    )
    yield f"A study is outside beyond a Mahalanobis distance of {manifest.outside.bound:.2f}."


def _row(row: Row) -> str:
    number = row.counts
    start = f"| {row.set_name} | {row.way} | {number['n']} | {number['failed']} | {number['n_undefined']} | "
    return start + " | ".join(row.cell(name) for name in SHOWN) + " |"
