"""What a scorer makes of a cohort's sets, by the paper's protocol and as it is served."""

from sklearn.pipeline import Pipeline

from segwatch.arrays import Floats
from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.features.registry import CATALOGUE
from segwatch.scoring.forms import Form
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.predict import serve
from segwatch.scoring.terms import columns
from segwatch.statistics.coverage import DiceIntervals, is_outside
from segwatch.statistics.figures import constants
from segwatch.statistics.verdicts import Judged, fill_by_protocol, fill_served, served
from segwatch.training.train import Trained


def by_protocol(model: Pipeline | Form, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """The verdicts by the paper's protocol."""
    rows = cohort.select(manifest.feature_names)
    judged, there = Judged.undefined(rows.dice), rows.defined
    read = columns(manifest.terms, manifest.feature_names, rows.values[there])
    fill_by_protocol(judged, there, manifest.kind, model, read)
    return judged


def as_served(model: Pipeline | Form, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """With the bundle's calibration and threshold; the bin is that of the predicted Dice.

    Raises:
        RefusedCohort: the cohort was measured with other versions of the features than the bundle's.
    """
    check_versions(manifest)
    rows = cohort.select(manifest.feature_names)
    judged, there = Judged.undefined(rows.dice), rows.defined
    if there.any():
        predicted = serve(model, manifest, rows.values[there])
        fill_served(judged, there, predicted, manifest.threshold.failure_probability)
    return judged


def intervals_as_served(manifest: ScorerManifest, cohort: Cohort, predicted: Floats) -> DiceIntervals:
    """The intervals that a bundle serves of the cohort's rows, of which it predicted these Dice (n,)."""
    rows = cohort.select(manifest.feature_names)
    intervals, there = DiceIntervals.none(len(rows)), rows.defined
    read = columns(manifest.terms, manifest.feature_names, rows.values[there])
    outside = is_outside(read, predicted[there], manifest.columns, manifest.outside)
    intervals.fill(there, predicted[there], manifest.interval, outside)
    return intervals


def out_of_fold(trained: Trained) -> Judged:
    """The training rows, each as served by models that were fitted without its patient."""
    return served(trained.rows.dice, trained.out_of_fold, trained.manifest.threshold.failure_probability)


def judge_all(trained: Trained, cohort: Cohort) -> dict[tuple[str, str], tuple[Judged, Cohort]]:
    """Every set of the cohort under every way of judging, with the rows that were judged."""
    found: dict[tuple[str, str], tuple[Judged, Cohort]] = {}
    for name in cohort.set_names:
        rows = cohort.of_set(name)
        title = f"{name} (resubstitution)" if name == TRAIN else name
        found[title, "paper's protocol"] = by_protocol(trained.model, trained.manifest, rows), rows
        found[title, "as served"] = as_served(trained.model, trained.manifest, rows), rows
        for constant, made in constants(rows.dice, trained.rows.dice).items():
            found[title, constant] = made, rows
        if name == TRAIN:
            found[f"{name} (out of fold)", "as served"] = out_of_fold(trained), trained.rows
    return found


def check_versions(manifest: ScorerManifest) -> None:
    """Nothing, where the catalogue's features are those that the bundle was trained on.

    Raises:
        RefusedCohort: one of them is not; tables are measured with this catalogue.
    """
    for feature in manifest.features:
        here = CATALOGUE[feature.name].version if feature.name in CATALOGUE else 1
        if here != feature.version:
            raise RefusedCohort(
                f"the scorer {manifest.name} was trained on version {feature.version} of {feature.name}, "
                f"version {here} is what is measured here: train it again"
            )
