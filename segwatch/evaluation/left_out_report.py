"""The report of a scorer that was judged on patients whom neither its training nor its choice had seen."""

from importlib.metadata import version

from segwatch.cohorts.table import Cohort
from segwatch.evaluation.entries import (
    BootstrapEntry,
    CohortEntry,
    FeaturesEntry,
    ModelEntry,
    Report,
    set_entries,
    with_intervals,
)
from segwatch.evaluation.evaluate import LIBRARIES, SAME_MODEL, Evaluated
from segwatch.evaluation.intervals import interval_entries
from segwatch.evaluation.report_entries import constant_entries, sensitivity_tests
from segwatch.statistics.conformal import COVERAGE
from segwatch.training.feature_sets import FeatureSet
from segwatch.training.leave_patient_out import LeftOut
from segwatch.training.models import EVERY

NESTED = (
    "as served, each patient by a scorer that was chosen, trained, calibrated and given its threshold "
    "without them"
)


def left_out_report(
    cohort: Cohort, left_out: LeftOut, model: str, features: FeatureSet, *, title: str, seed: int
) -> Evaluated:
    """The report of one scorer.

    Args:
        cohort: n rows, in the sets that figures are shown of; not the set `train`.
        left_out: of each of them.
        model: a name in EVERY. features: what the scorer that is served reads.
        title: of the scorer. seed: of what was drawn.
    """
    sets = set_entries(cohort, left_out.judged, resubstitution=False, probability=True)
    entry = ModelEntry(
        title=title,
        kind=EVERY[model].kind,
        judged=NESTED,
        bundle=None,
        intervals={"ci": SAME_MODEL},
        sets=with_intervals(sets, interval_entries(cohort, left_out.intervals, COVERAGE)),
    )
    report = Report(
        format="segwatch-report/1",
        cohort=CohortEntry(
            sha256=cohort.sha256(),
            rows=len(cohort),
            patients=len(set(cohort.patients.tolist())),
            sets={name: len(cohort.of_set(name)) for name in cohort.set_names},
        ),
        features=FeaturesEntry(set=features.name, names=features.columns),
        leave_patient_out=True,
        seed=seed,
        versions={library: version(library) for library in LIBRARIES},
        models={title: entry},
        constants=constant_entries(cohort, float(cohort.dice.mean())),
        bootstrap=BootstrapEntry(replicates=0, seed=seed, points=0, ways={}, models={}),
        p_value={title: sensitivity_tests(entry.sets)},
        ablation={},
    )
    return Evaluated(report, {title: left_out.judged})
