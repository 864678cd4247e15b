"""The page of evidence of an onboarded scorer: what `segwatch evaluate` reports, what it was made from, and
what is not shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segwatch.cohorts.table import Cohort
from segwatch.cohorts.write_table import write_table
from segwatch.evaluation.command import PICTURES, REPORT, predictions
from segwatch.evaluation.evaluate import Evaluated
from segwatch.evaluation.left_out_report import left_out_report
from segwatch.evaluation.report.page import page
from segwatch.evaluation.report.pictures import draw_all
from segwatch.evaluation.report.worst_misses import draw_misses
from segwatch.features.scene import Scene
from segwatch.files import write_whole
from segwatch.onboarding.recipes import MaskRecipe
from segwatch.onboarding.unseen_changes import UnseenChange
from segwatch.onboarding.words import MadeOf, made_words, not_shown
from segwatch.scoring.manifest import ScorerManifest
from segwatch.training.feature_sets import feature_set
from segwatch.training.nested_choice import NestedChoice
from segwatch.training.report import paging_words

MADE, CHOSEN, UNSEEN, NOT_SHOWN = (
    "What it was made from",
    "The scorer",
    "Changes not seen",
    "What is not shown",
)
FEW_ROWS = 3
"""A set of fewer masks has no figures worth a line."""


@dataclass(frozen=True)
class OnboardingEvidence:
    """What the page is written from.

    Attributes:
        cohort: the training rows. recipes: of each of them.
        choice: what scorers without each row's patient said of it.
        manifest: of the scorer that is served.
        unseen: see `under_unseen_changes`. made: of the rows.
    """

    cohort: Cohort
    recipes: Sequence[MaskRecipe]
    choice: NestedChoice
    manifest: ScorerManifest
    unseen: Sequence[UnseenChange]
    made: MadeOf

    @property
    def evaluated(self) -> Evaluated:
        """The report, by sets of masks that came about in the same way."""
        usual = self.choice.usual
        features = feature_set(usual.features)
        in_sets = replace(self.cohort, sets=np.array([recipe.set for recipe in self.recipes]))
        prepared = features.prepare(in_sets)
        return left_out_report(
            prepared,
            self.choice.left_out,
            usual.model,
            features,
            title=self.manifest.name,
            seed=self.manifest.seed,
        )


def write_evidence(found: OnboardingEvidence, scene_of: Callable[[str], Scene], out: Path) -> Evaluated:
    """Write page, pictures, single predictions and, last, report.json into `out`.

    Args:
        found: all figures. scene_of: the scene of a row, by its case. out: made if it is not there.
    """
    evaluated = found.evaluated
    report, judged = evaluated.report, evaluated.judged
    sets = np.array([recipe.set for recipe in found.recipes])
    pictures = draw_all(report, judged, sets, out / PICTURES)
    title = found.manifest.name
    in_sets = replace(found.cohort, sets=sets)
    misses, notes = draw_misses(title, judged[title], in_sets, scene_of, out / PICTURES)
    write_table(out / "predictions.csv", predictions(in_sets, judged))
    text = page(report, [*pictures, *misses], out / PICTURES, notes, sections(found))
    write_whole(out / "report.html", text)
    write_whole(out / REPORT, report.written())
    return evaluated


def sections(found: OnboardingEvidence) -> list[tuple[str, list[str]]]:
    """What the page says in sentences, before its tables."""
    unseen = [each.words + "." for each in found.unseen]
    return [
        (MADE, made_words(found.made)),
        (CHOSEN, _chosen(found)),
        *([(UNSEEN, unseen)] if unseen else []),
        (NOT_SHOWN, not_shown(found.made)),
    ]


def _chosen(found: OnboardingEvidence) -> list[str]:
    counts = ", ".join(f"{each.title} for {count}" for each, count in found.choice.patients.items())
    refused = [f"Not tried: {title}: {reason}." for title, reason in found.choice.refused.items()]
    choice = (
        f"Served is {found.choice.usual.title}. For each patient the simplest scorer was chosen that the "
        f"other patients do not show to be worse than the best: {counts} patients."
    )
    return [
        choice,
        paging_words(found.manifest).replace("**", ""),
        *refused,
    ]
