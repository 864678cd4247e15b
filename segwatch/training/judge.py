"""What a scorer makes of a cohort's sets, by the paper's protocol and as it is served."""

from sklearn.pipeline import Pipeline

from segwatch.cohorts.table import TRAIN, Cohort
from segwatch.errors import RefusedCohort
from segwatch.features.registry import CATALOGUE
from segwatch.scoring.bins import FAILED_BINS, expected_dice, failure_mass
from segwatch.scoring.forms import Form
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.predict import clipped_dice, raw_bins, serve
from segwatch.scoring.terms import columns
from segwatch.statistics.figures import Judged, constants
from segwatch.statistics.verdicts import all_undefined, fill, judged
from segwatch.training.models import EVERY, protocol_bins
from segwatch.training.train import Trained


def by_protocol(model: Pipeline | Form, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """The paper's protocol: failed is a predicted bin among the three lowest, nothing is calibrated."""
    rows = cohort.select(manifest.feature_names)
    there = rows.defined
    made = all_undefined(rows.dice)
    values = columns(manifest.terms, manifest.feature_names, rows.values[there])
    if not len(values):
        return made
    made.bins[there] = protocol_bins(EVERY[manifest.model], model, values)
    made.flagged[there] = made.bins[there] < FAILED_BINS
    if manifest.kind == "classifier":
        bins = raw_bins(model, values)
        made.predicted[there], made.score[there] = expected_dice(bins), failure_mass(bins)
    else:
        dice = clipped_dice(model, values)
        made.predicted[there], made.score[there] = dice, -dice
    return made


def as_served(model: Pipeline | Form, manifest: ScorerManifest, cohort: Cohort) -> Judged:
    """With the bundle's calibration and threshold; the bin is that of the predicted Dice.

    Raises:
        RefusedCohort: the cohort was measured with other versions of the features than the bundle's.
    """
    check_versions(manifest)
    rows = cohort.select(manifest.feature_names)
    there = rows.defined
    made = all_undefined(rows.dice)
    if there.any():
        predicted = serve(model, manifest, rows.values[there])
        fill(made, there, predicted, manifest.threshold.failure_probability)
    return made


def out_of_fold(trained: Trained) -> Judged:
    """The training rows, each as served by models that were fitted without its patient."""
    threshold = trained.manifest.threshold.failure_probability
    return judged(trained.rows.dice, trained.out_of_fold, threshold)


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
