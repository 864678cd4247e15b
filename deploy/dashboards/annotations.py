"""What is drawn over every panel of a board: when an alarm rang, was decided, or a change was made known."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import common

A_WHILE = "2m"
"""For as long a mark of a new version stands: two scrapes at the least."""
SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
ALARM, DECIDED, CHANGED, POLICY = "#D55E00", "#0072B2", "#CC79A7", "#009E73"
"""Of the colours that the colour-blind tell apart (`deploy.dashboards.panels`)."""


def marks(title: str, expression: str, labels: str, colour: str) -> builders.AnnotationQuery:
    """Marks wherever `expression` has a sample, with a text made of its labels."""
    query = prometheus.Dataquery().expr(expression).ref_id("Anno").datasource(SOURCE).range()
    return (
        builders.AnnotationQuery()
        .name(title)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expression)
        .title_format(title)
        .text_format(labels)
        .step("60s")
        .target(query)
    )


def at_the_centre() -> list[builders.AnnotationQuery]:
    """Alarms of the detector and what became of them; changes that were announced or decided."""
    return [
        marks("Alarm", f"{_delta('segwatch_change_alarm')} > 0", "{{site}}", ALARM),
        marks("Alarm decided", f"{_delta('segwatch_change_alarm')} < 0", "{{site}}", DECIDED),
        marks("A baseline begins", f"{_delta('segwatch_change_baseline_pulse')} != 0", "{{site}}", CHANGED),
        marks("A site begins a new epoch", f"{_delta('segwatch_federation_epoch')} > 0", "{{site}}", POLICY),
        marks(
            "Another version of segwatch",
            _new("segwatch_build_info", "service, version"),
            "{{version}}",
            POLICY,
        ),
    ]


def in_the_hospital() -> list[builders.AnnotationQuery]:
    """The same of the hospital's own detector, and new versions of segwatch."""
    return [
        marks("Alarm", f"{_delta('segwatch_local_change_alarm')} > 0", "{{site}}", ALARM),
        marks("Alarm decided", f"{_delta('segwatch_local_change_alarm')} < 0", "{{site}}", DECIDED),
        marks(
            "A change was announced or noticed",
            f"{_delta('segwatch_site_announced_changes')} > 0",
            "{{site}}",
            CHANGED,
        ),
        marks(
            "Another scorer counts",
            _new("segwatch_scoring_scorer", "site, scorer, sha256", 'role="counts"'),
            "{{scorer}}",
            CHANGED,
        ),
        marks("Another policy", _new("segwatch_site_policy_info", "site, version"), "{{version}}", POLICY),
        marks(
            "Another version of segwatch",
            _new("segwatch_build_info", "service, version"),
            "{{service}} {{version}}",
            POLICY,
        ),
    ]


def _delta(metric: str) -> str:
    return f"max by (site) (delta({metric}{{site=~'$site'}}[2m]))"


def _new(metric: str, labels: str, matcher: str = "") -> str:
    """There now, and not a while ago, though its like was: what is seen for the first time is no change."""
    now, before = f"{metric}{{{matcher}}}", f"{metric}{{{matcher}}} offset {A_WHILE}"
    return f"max by ({labels}) ({now}) unless max by ({labels}) ({before}) and on () count({before})"
