"""From a cohort's tables to the page of evidence and its pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from research.evidence import page
from research.evidence import page_words as words
from research.evidence.choice import Choice, choose
from research.evidence.feature_worth import GROUPS, MODEL, known_features, worths
from research.evidence.figures import MEASURES, Estimate, flagged_good, measured
from research.evidence.goals import Goal
from research.evidence.held_out_changes import Away, away, held_out_changes
from research.evidence.local_labels import CHOSEN, Batches, Local, batches, local_labels
from research.evidence.other_segmenters import carried, pairs
from research.evidence.pictures import draw_cohort, draw_scorers, draw_worth
from research.evidence.stored_outcomes import stored_outcome
from research.evidence.tables import Making, Tables
from research.evidence.trials import TRIALS, Outcome, Trial, left_out_dice
from segwatch.arrays import Floats, Texts
from segwatch.cohorts.table import Cohort
from segwatch.features.registry import ALL, CATALOGUE
from segwatch.files import write_whole
from segwatch.statistics.coverage import coverage
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set
from segwatch.training.leave_patient_out import LeftOut

Step = Callable[[str], None]
Row = tuple[str, dict[str, Estimate]]
Labelled = tuple[str, list[Local]]
WHAT = {False: "mask and image features", True: "with segmentation's own"}
"""Whether a scorer reads segmentation's own outputs, in words."""
_EXTERNAL = {**MEASURES, "flagged_good": flagged_good}


@dataclass(frozen=True)
class ScorerFigures:
    """What scorers made of the rows, and figures: on the cohort, and on the external set if it has any."""

    title: str
    outcome: Outcome
    here: dict[str, Estimate]
    there: dict[str, Estimate] | None


def write_evidence(
    tables: Tables,
    out: Path,
    outcomes: Path,
    *,
    trials: Sequence[Trial] = TRIALS,
    step: Step = lambda _: None,
) -> list[Goal]:
    """Write the page `out` and its pictures in `images/` beside it; returns the goals.

    Args:
        tables: the cohort.
        out: the Markdown file.
        outcomes: the folder in which the trials' outcomes are stored.
        trials: which scorers are tried; at least one with and one without segmentation's own outputs.
        step: called with the name of what is done with.
    """
    cohort, external = tables.cohort, tables.external
    tried = {}
    for trial in trials:
        tried[trial] = _found(trial, cohort, external, outcomes)
        step(trial.title)
    choices = {given: _choice(tried, cohort, given=given) for given in (False, True)}
    mask_only, with_given = (
        _with_figures(f"chosen without the patient: {WHAT[given]}", choice.outcome, cohort, external)
        for given, choice in choices.items()
    )
    usual = choices[False].usual
    experts = _found(usual, tables.cohort_expert, tables.external_expert, outcomes)
    step("the expert's lung")

    def judge(learnt: Cohort, rows: Cohort) -> LeftOut:
        there = stored_outcome(usual, learnt, rows, outcomes).there
        if there is None:
            raise ValueError("nothing was judged")
        return there

    changes = held_out_changes(cohort, tables.made, judge)
    step("kinds of change")
    goals = _goals(mask_only, with_given, cohort, external)
    others = list(pairs(tables))
    carrying = [carried(trial, others) for trial in trials if not trial.given]
    step("other segmenters")
    groups = worths(cohort, external, others, GROUPS, alone=True)
    step("groups")
    features = worths(
        cohort, external, others, {name: (name,) for name in known_features(cohort)}, alone=False
    )
    step("features")
    seen = np.array([row["made_seen"] for row in tables.made], np.float64)
    images = out.parent / "images"
    draw_cohort(cohort.dice, seen, external.dice, images / "evidence-cohort.png")
    best = (mask_only, with_given)
    shown = [(WHAT[given], each.outcome.here.judged) for given, each in zip(WHAT, best, strict=True)]
    if mask_only.outcome.there is not None:
        shown.append(("published masks, mask only", mask_only.outcome.there.judged))
    draw_scorers(shown, images / "evidence-scorers.png")
    draw_worth(groups, images / "evidence-groups.png")
    found = [*tried.values(), *best]
    sections = [
        words.HEAD,
        words.NEW_PATIENTS,
        page.goals_section(goals),
        page.cohort_section(cohort, external, tables.made),
        page.scorers_section(
            _scorer_rows(found, best, cohort, tables.made),
            [(WHAT[given], choice.patients) for given, choice in choices.items()],
        ),
        page.external_section(*_external_rows(found, (found[0], mask_only), external)),
        page.site_section([(each.title, _batches(each, cohort)) for each in best]),
        page.intervals_section(
            [*(away(f"{each.title}, cohort", each.outcome.here, cohort) for each in best)],
            _away_rows(mask_only, usual, experts, tables),
            changes,
            usual.title,
        ),
        page.lung_section([(usual.title, tried[usual].here, experts.here)]),
        page.networks_section(_between_networks(tables), carrying),
        page.worth_section(groups, features),
        words.DROPPED,
        words.LIMITS,
    ]
    write_whole(out, "".join(sections))
    return goals


def _found(trial: Trial, cohort: Cohort, external: Cohort, outcomes: Path) -> ScorerFigures:
    outcome = stored_outcome(trial, cohort, None if trial.given else external, outcomes)
    return _with_figures(trial.title, outcome, cohort, external)


def _with_figures(title: str, outcome: Outcome, cohort: Cohort, external: Cohort) -> ScorerFigures:
    here = measured(outcome.here.judged, cohort.patients)
    there = None
    if outcome.there is not None:
        there = measured(outcome.there.judged, external.patients, _EXTERNAL)
    return ScorerFigures(title, outcome, here, there)


def _choice(tried: Mapping[Trial, ScorerFigures], cohort: Cohort, *, given: bool) -> Choice:
    return choose([(trial, each.outcome) for trial, each in tried.items() if trial.given == given], cohort)


def _scorer_rows(
    found: Sequence[ScorerFigures], best: Sequence[ScorerFigures], cohort: Cohort, made: Sequence[Making]
) -> list[tuple[str, dict[str, Estimate], int]]:
    constant = _others_mean(cohort)
    rows = [("constant: the others' mean, all flagged", _of_constant(constant, cohort), 0)]
    rows += [(each.title, each.here, _undefined(each.outcome.here.judged)) for each in found]
    unseen = np.array([row["made_seen"] == 0 for row in made])
    for each in best:
        judged = each.outcome.here.judged.rows(unseen)
        title = f"{each.title}, masks by networks that had not seen the patient"
        rows.append((title, measured(judged, cohort.patients[unseen]), _undefined(judged)))
    return rows


def _undefined(judged: Judged) -> int:
    return int(np.isnan(judged.predicted).sum())


def _of_constant(judged: Judged, rows: Cohort) -> dict[str, Estimate]:
    found = measured(judged, rows.patients, _EXTERNAL)
    return {**found, "spearman": Estimate(None)}


def _others_mean(rows: Cohort) -> Judged:
    """Each row predicted by the mean Dice of the other patients' rows: the bar of who looks at nothing.

    It ranks nothing: that the others' mean is low where a patient's own is high is no knowledge.
    """
    predicted = np.array([rows.dice[rows.patients != patient].mean() for patient in rows.patients])
    return replace(Judged.by_dice(rows.dice, predicted), score=np.zeros(len(rows)))


def _external_rows(
    found: Sequence[ScorerFigures], adapted: Sequence[ScorerFigures], external: Cohort
) -> tuple[list[Row], list[Labelled]]:
    constant = _of_constant(_others_mean(external), external)
    rows = [("constant: the others' mean published Dice", constant)]
    local: list[Labelled] = []
    for each in found:
        if each.there is None or each.outcome.there is None:
            continue
        rows.append((each.title, each.there))
        if any(each is one for one in adapted):
            local.append((each.title, local_labels(*_defined(each.outcome.there.judged, external))))
    return rows, local


def _defined(judged: Judged, rows: Cohort) -> tuple[Floats, Floats, Texts]:
    there = np.isfinite(judged.predicted)
    return judged.predicted[there], rows.dice[there], rows.patients[there]


def _batches(each: ScorerFigures, cohort: Cohort) -> Batches:
    return batches(each.outcome.here.judged.predicted, cohort.dice, cohort.patients)


def _away_rows(mask_only: ScorerFigures, usual: Trial, experts: ScorerFigures, tables: Tables) -> list[Away]:
    """The published masks, with the product's lung masks and with the expert's."""
    rows = []
    if mask_only.outcome.there is not None:
        title = f"{mask_only.title}, published masks"
        rows.append(away(title, mask_only.outcome.there, tables.external))
    if experts.outcome.there is not None:
        title = f"{usual.title}, published masks, expert's lung"
        rows.append(away(title, experts.outcome.there, tables.external_expert))
    return rows


def _between_networks(tables: Tables) -> list[tuple[str, str, dict[str, Estimate]]]:
    """Trees learnt from one network's masks, tested on another's, by features that all masks have."""
    names = feature_set(",".join(name for name in ALL if CATALOGUE[name].card.cost != "given"))
    rows = []
    for pair in pairs(tables, same=True):
        predicted = left_out_dice(pair.learnt, pair.judged, MODEL, names)
        found = measured(Judged.by_dice(pair.judged.dice, predicted), pair.judged.patients)
        rows.append((pair.one, pair.other, found))
    return rows


def _goals(mask_only: ScorerFigures, given: ScorerFigures, cohort: Cohort, external: Cohort) -> list[Goal]:
    """Item 5 of the issue, in its order."""
    goals = []
    for words_of, each, bounds in (
        (WHAT[False], mask_only, (0.95, 0.90, 0.90, 0.80, None)),
        (WHAT[True], given, (0.97, 0.93, 0.90, 0.90, 0.06)),
    ):
        asked = zip(("auroc", "auroc_from_0.3", "sensitivity", "specificity", "mae"), bounds, strict=True)
        goals += [
            Goal(f"{words_of}: {_WORDS[name]}", bound, name != "mae", each.here[name])
            for name, bound in asked
            if bound is not None
        ]
    goals += _external_goals(mask_only, external)
    for words_of, each in ((WHAT[False], mask_only), (WHAT[True], given)):
        seen = _batches(each, cohort)
        covered = coverage(each.outcome.here.intervals, cohort.dice, cohort.patients)
        goals += [
            Goal(f"{words_of}: mean error of a batch", 0.04, False, Estimate(seen.error)),
            Goal(f"{words_of}: a fall of .2 moves the prediction by", 0.1, True, Estimate(seen.moved)),
            Goal(f"{words_of}: half-width of 80 % intervals", 0.12, False, Estimate(covered.half_width)),
            Goal(
                f"{words_of}: the worst patient's coverage",
                0.70,
                True,
                Estimate(covered.worst_patient),
            ),
        ]
    return goals


def _external_goals(each: ScorerFigures, external: Cohort) -> list[Goal]:
    if each.there is None or each.outcome.there is None:
        return []
    constant = _of_constant(_others_mean(external), external)["mae"].value or 0.0
    local = local_labels(*_defined(each.outcome.there.judged, external))
    adapted = next(one for one in local if one.name == CHOSEN)
    error = Estimate(adapted.mae, adapted.mae_low, adapted.mae_high)
    return [
        Goal("published masks: good ones flagged", 1, False, each.there["flagged_good"]),
        Goal("published masks: MAE, below the constant's", round(constant, 4), False, each.there["mae"]),
        Goal("half of them as local labels: MAE", 0.05, False, error),
        Goal("half of them as local labels: Spearman", 0.7, True, Estimate(adapted.spearman)),
    ]


_WORDS = {
    "auroc": "AUROC",
    "auroc_from_0.3": "AUROC on Dice ≥ .3",
    "sensitivity": "realised sensitivity",
    "specificity": "realised specificity",
    "mae": "MAE",
}
